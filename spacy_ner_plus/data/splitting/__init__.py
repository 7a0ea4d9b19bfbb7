"""Division of documents into training, development and test data."""
