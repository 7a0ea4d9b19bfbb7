"""Whether a pipeline is better than another: differences, their intervals and p-values."""
