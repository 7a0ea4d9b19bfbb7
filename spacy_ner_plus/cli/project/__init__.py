"""`ner-plus project`: what the commands of the training project run, and the files they use."""
