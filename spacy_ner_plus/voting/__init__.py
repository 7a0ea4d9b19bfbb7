"""Voters that are wrong now and then, weighed by how they agree. numpy alone."""
