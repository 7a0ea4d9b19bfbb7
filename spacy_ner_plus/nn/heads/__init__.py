"""From vectors to the scores of tags."""
