"""`python -m spacy ner-plus augment`: annotated texts as augmenters change them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import CodePath, SpansKey, import_user_code

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from ..data.augmenters.augmentation import Augmentation

_PRINTED = 3


def augment_cli(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders with annotated texts, in any format that convert reads",
            metavar="DATA...",
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            help="File for the documents, of any format that convert writes", metavar="OUT"
        ),
    ],
    named: Annotated[
        list[str] | None,
        typer.Option(
            "--augmenter",
            metavar="NAME[=SETTINGS]",
            help='What acts, with settings as JSON: KeyboardTypos, or KeyboardTypos={"p": 0.05}; '
            "repeatable, one after the other",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A config whose training data have an augmenter, which acts first"),
    ] = None,
    from_format: Annotated[
        str | None, typer.Option("--from", help="Format of the data, if they do not tell")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Format of OUT, if its name does not tell")] = None,
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer cuts texts without tokens, and new words")
    ] = "en",
    spans_key: SpansKey = None,
    seed: Annotated[int, typer.Option(help="Another one gives other changes")] = 0,
    page: Annotated[
        Path | None, typer.Option(help="HTML file with documents before and after")
    ] = None,
    shown: Annotated[int, typer.Option(min=0, help="How many documents the page has")] = 20,
    code: CodePath = None,
) -> None:
    """Write annotated texts as augmenters change them: typing and scanning errors, other mentions.

    It is what a training would read whose corpus has this augmenter. Look at it before you train.
    """
    from .. import augment

    with errors_as_messages():
        import_user_code(code)
        done = augment(
            data,
            output,
            named or (),
            config=config,
            format=from_format,
            to=to,
            lang=lang,
            spans_key=spans_key,
            seed=seed,
            page=page,
            shown=shown,
        )
    tell(done, spans_key)
    say.good(f"Wrote {output}" + (f" and {page}" if page else ""))


def tell(done: "Augmentation", spans_key: str | None) -> None:
    """Print counts, and a few documents before and after."""
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    for what, n in done.lost.items():
        if n:
            typer.echo(f"Warning: {what}, {n:,}, have no place in {done.output}", err=True)
    rows = [(name, f"{number:,}") for name, number in done.rows()]
    msg.table(rows, aligns=("l", "r"), max_col=90)
    for change in done.changes[:_PRINTED]:
        if change.before is not None:
            typer.echo(f"- {_marked(change.before, spans_key)}")
        typer.echo(f"+ {_marked(change.after, spans_key)}\n")


def _marked(doc: "Doc", spans_key: str | None) -> str:
    """The text in one line, with entities in brackets that may nest."""
    spans = list(doc.ents if spans_key is None else doc.spans.get(spans_key, ()))
    opened, closed = [""] * len(doc), [""] * len(doc)
    for span in sorted(spans, key=lambda span: span.start - span.end):
        opened[span.start] += "["
        closed[span.end - 1] = f" {span.label_}]" + closed[span.end - 1]
    pieces = (opened[i] + token.text + closed[i] + token.whitespace_ for i, token in enumerate(doc))
    return "".join(pieces).replace("\n", "\\n")
