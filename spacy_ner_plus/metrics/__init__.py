"""Counts to scores in numpy: what all that measures entities reads."""
