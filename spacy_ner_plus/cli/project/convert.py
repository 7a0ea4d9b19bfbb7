"""`ner-plus project convert`: a corpus in any format to .spacy files."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from .._errors import errors_as_messages
from .._parts import Group
from ..convert import tell


def convert_cli(
    folder: Annotated[
        Path, typer.Argument(help="Folder with a file train, dev and test each, of any format")
    ],
    output: Annotated[Path, typer.Argument(help="Folder for train.spacy, dev.spacy, test.spacy")],
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer cuts texts that have no tokens")
    ] = "en",
    group: Group = None,
) -> None:
    """Convert a corpus to spaCy's format, in the tokens that its pipeline will make.

    Tokens are cut where entities of the training data start and end; what of the other data is not
    on tokens is noted there, and counts as missed by evaluate.
    """
    with errors_as_messages():
        from ...data.corpus_folder import convert_corpus

        made = convert_corpus(folder, output, lang=lang, group=group)
    for name, done in made.items():
        msg.divider(name)
        tell(done, {}, lang)
