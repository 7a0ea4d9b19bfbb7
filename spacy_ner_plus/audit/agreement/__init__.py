"""How far several annotators of the same texts agree, where they do not, and what to decide."""
