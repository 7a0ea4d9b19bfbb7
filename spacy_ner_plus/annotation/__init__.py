"""What is known about a Doc: gold, existing entities, and its record."""
