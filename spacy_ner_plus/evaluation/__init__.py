"""What a pipeline gets wrong, how sure it is, and whether another one is better."""
