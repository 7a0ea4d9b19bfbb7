"""Torch modules that know no spaCy: encoders, heads and the CRF."""
