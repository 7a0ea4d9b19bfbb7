"""From Docs to arrays: wordpieces, windows, batches."""
