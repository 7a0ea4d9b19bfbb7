"""`python -m spacy ner-plus split`: a data set to training, development and test data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._parts import FromFormat, TokenizerLang

if TYPE_CHECKING:
    from ..data.splitting.split_manifest import Split


def split_cli(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders with annotated texts, in any format that convert reads",
            metavar="DATA...",
        ),
    ],
    output: Annotated[
        Path, typer.Argument(help="Folder for the parts and manifest.json", metavar="OUT_FOLDER")
    ],
    parts: Annotated[
        tuple[float, float, float],
        typer.Option(help="Shares of train, dev and test; 0 for none", metavar="TRAIN DEV TEST"),
    ] = (0.8, 0.1, 0.1),
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Keep documents together that have the same there: meta.patient"
        ),
    ] = None,
    near: Annotated[
        float, typer.Option(help="Similarity from which documents stay together; 0: don't look")
    ] = 0.8,
    seed: Annotated[int, typer.Option(help="Another one divides otherwise")] = 0,
    to: Annotated[str, typer.Option(help="Format or suffix of the files")] = "jsonl",
    from_format: FromFormat = None,
    lang: TokenizerLang = "en",
) -> None:
    """Divide annotated texts into training, development and test data.

    Parts have like shares of each label. Documents of a group, and such as are nearly the same, are
    never in different parts. manifest.json says what is where, and the version of the data set.
    """
    from .. import split

    with errors_as_messages():
        made = split(
            data,
            output,
            parts=parts,
            group_by=group_by,
            near=near or None,
            seed=seed,
            to=to,
            format=from_format,
            lang=lang,
        )
    _print_parts(made)
    for note in made.notes:
        typer.echo(f"Warning: {note}", err=True)
    say.good(f"Wrote {output}, version {made.version[:12]} of the data set")


def _print_parts(made: "Split") -> None:
    labels = sorted(set().union(*(part.entities for part in made.parts.values())))
    rows = [
        (
            name,
            part.file,
            f"{part.n_documents:,}",
            *(f"{part.entities[label]:,}" for label in labels),
        )
        for name, part in made.parts.items()
    ]
    header = ("", "File", "Documents", *labels)
    msg.table(rows, header=header, divider=True, aligns=("l", "l", *"r" * (len(labels) + 1)))
    n_near = sum(map(len, made.near_duplicates))
    typer.echo(
        f"{made.n_groups:,} groups of documents stayed together; {n_near:,} documents are nearly "
        f"the same as others, in {len(made.near_duplicates):,} groups."
    )
    if made.n_without_key:
        typer.echo(f"{made.n_without_key:,} documents have no such key, and are on their own.")
