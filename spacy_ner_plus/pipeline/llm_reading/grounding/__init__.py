"""From what a language model says is in a text to exact characters of it. No network, no spaCy."""
