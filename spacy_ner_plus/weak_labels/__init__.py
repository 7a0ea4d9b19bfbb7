"""Texts annotated by rules and pipelines that vote."""
