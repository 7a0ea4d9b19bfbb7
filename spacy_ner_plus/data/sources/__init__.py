"""Texts and rows to process, with rejects for those that can't be read."""
