"""Many trainings over one corpus: cross-validation and learning curves."""
