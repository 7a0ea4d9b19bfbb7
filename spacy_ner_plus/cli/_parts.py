"""How commands read and show training, development and test data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

if TYPE_CHECKING:
    from ..data.splitting.parts import Part


Group = Annotated[
    int | None,
    typer.Option(
        min=1, help="Sentences a document, in column files that mark none (without it: 1)"
    ),
]
TokenizerLang = Annotated[
    str, typer.Option(help="Language whose tokenizer cuts texts that have no tokens")
]
FromFormat = Annotated[
    str | None, typer.Option("--from", help="Format of the data, if its content does not tell")
]
FormatOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="An option of the format, see docs/formats.md; repeatable",
    ),
]
ExceptionsFile = Annotated[
    Path | None,
    typer.Option(
        "--exceptions",
        metavar="FILE",
        help="Tokenizer exceptions, as convert --misaligned split writes them",
    ),
]


def print_parts(parts: "dict[str, Part]") -> None:
    """Print a line for each: the file that it is from, documents, words, entities by label."""
    counts = {name: part.entities for name, part in parts.items()}
    labels = sorted(set().union(*counts.values()))
    rows = [
        (
            name,
            part.source.name,
            f"{len(part.texts):,}",
            f"{part.n_words:,}",
            *(f"{counts[name][label]:,}" for label in labels),
        )
        for name, part in parts.items()
    ]
    header = ("", "From", "Documents", "Words", *labels)
    msg.table(rows, header=header, divider=True, aligns=("l", "l", *"r" * (len(labels) + 2)))
