"""Texts that wait for a model, and the thread that owns it. Nothing here knows of HTTP or spaCy."""
