"""What an audit found, on a terminal: a compact view of each section."""
