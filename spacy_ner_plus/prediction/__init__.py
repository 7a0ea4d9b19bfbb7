"""A pipeline over files, which goes on after a kill."""
