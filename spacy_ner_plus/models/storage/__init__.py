"""The files of a saved model: what is in them, whether they are whole, and older formats."""
