"""Models of thinc: Docs to scores, and scores to entities."""
