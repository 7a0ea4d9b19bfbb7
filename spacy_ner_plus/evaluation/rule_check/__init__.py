"""What rules find in annotated data, rule by rule."""
