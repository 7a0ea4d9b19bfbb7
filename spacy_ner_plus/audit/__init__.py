"""The quality of annotated data: what is wrong with it, known before anyone trains."""
