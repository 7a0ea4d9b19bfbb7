"""What language models are asked, and what they are found to say; no component."""
