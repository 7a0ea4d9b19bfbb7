"""The processes of a server: one that answers, or one that looks after some that do."""
