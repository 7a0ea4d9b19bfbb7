"""Speed of ner_plus beside the bare encoder and other libraries: see __main__.py."""
