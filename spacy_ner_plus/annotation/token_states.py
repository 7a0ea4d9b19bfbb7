"""The values of token.ent_iob: what is known about a token."""

MISSING = 0  # without annotation
INSIDE = 1  # goes on an entity
OUTSIDE = 2  # in no entity
BEGIN = 3  # begins an entity; without a type it is blocked, never to be in one
