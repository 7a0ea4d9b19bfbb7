"""Files of annotation tools to records and back."""
