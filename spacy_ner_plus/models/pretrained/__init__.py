"""Pretrained encoders and fine-tuned heads: how they are loaded, and what their tags mean."""
