"""Entities taken out of texts: masked, labelled, hashed, or with others in their place."""
