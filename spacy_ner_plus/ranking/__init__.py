"""Texts that are worth annotating next."""
