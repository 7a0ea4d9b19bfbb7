"""Training that can be continued after it was killed."""
