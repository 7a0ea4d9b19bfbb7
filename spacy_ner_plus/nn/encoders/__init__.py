"""Pretrained transformers, and what makes one vector per token of their output."""
