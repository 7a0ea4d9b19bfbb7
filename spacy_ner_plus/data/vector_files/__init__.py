"""Files of word vectors, of any usual form: read block by block, and written as a folder."""
