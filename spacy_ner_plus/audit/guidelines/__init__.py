"""Guidelines for annotators: a draft made of annotated data, and decisions that it is held to."""
