"""The components of spaCy pipelines, and what they have in common."""
