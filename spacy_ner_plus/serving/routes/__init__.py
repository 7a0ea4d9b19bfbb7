"""What a server answers: the routes, what they take, and what they say if something is wrong."""
