"""The models of a server: loaded, warmed up, named, exchanged while they are at work."""
