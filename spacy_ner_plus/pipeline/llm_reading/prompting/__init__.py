"""What a language model is told and shown, and what its answers say. No network, no spaCy."""
