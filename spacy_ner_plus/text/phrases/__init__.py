"""Lists of up to millions of phrases, found in tokens: numpy and spaCy's hashes of words."""
