"""Spans that lie within others, cross them or share their place, and chains of tags for them."""
