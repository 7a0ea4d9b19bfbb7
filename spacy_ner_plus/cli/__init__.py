"""Commands under `python -m spacy ner-plus`, one module each.

A module decorates its function with `@app.command("name")` of `spacy_ner_plus.cli._app`; list it
below and it is there. Import torch and other heavy packages inside the functions: spaCy imports
all of this for each of its own commands.
"""

from spacy_ner_plus.cli import (
    convert,  # noqa: F401
)
from spacy_ner_plus.cli._app import app

__all__ = ["app"]
