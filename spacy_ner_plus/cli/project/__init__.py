"""`ner-plus project`: steps of project.yml, hidden in the help."""
