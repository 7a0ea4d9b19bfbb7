"""Annotated data on disk: read, converted and divided."""
