"""`ner-plus guidelines`: a draft of annotation guidelines from annotated data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..data.format_option import parse_option
from ..pages.telling import say
from ._errors import errors_as_messages
from ._parts import FormatOptions, FromFormat, Group, TokenizerLang

if TYPE_CHECKING:
    from ..audit.guidelines.draft import Draft


def guidelines_cli(
    data: Annotated[
        Path, typer.Argument(help="File or folder with annotated texts, of any format")
    ],
    output: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT.md",
            help="Markdown file; what people have written in it stays. Without it: standard output",
        ),
    ] = None,
    questions: Annotated[
        int, typer.Option(min=0, help="Questions of each kind and entity type at most")
    ] = 3,
    lang: TokenizerLang = "en",
    from_format: FromFormat = None,
    option: FormatOptions = None,
    group: Group = None,
) -> None:
    """Draft guidelines for annotators from what they have annotated so far.

    For each entity type: how often, how long, typical and unusual entities; and what was done in
    two ways, as questions to decide. Run again, it brings counts and examples up to date and adds
    new questions. `ner-plus audit --guidelines OUT.md` finds what goes against decisions.
    """
    with errors_as_messages():
        from .. import guidelines

        draft = guidelines(
            data,
            output,
            questions=questions,
            format=from_format,
            lang=lang,
            options=dict(map(parse_option, option or ())),
            group=group,
        )
    if output is None:
        typer.echo(draft.text, nl=False)
        return
    _tell(draft, output)


def _tell(draft: "Draft", output: Path) -> None:
    for question in draft.new:
        typer.echo(f"New: {question}")
    for decision in draft.obsolete:
        typer.echo(f"No longer in the data: {decision.said()}, line {decision.line}")
    for label in draft.gone:
        typer.echo(f"No longer in the data: the type {label}")
    for part in draft.edited:
        typer.echo(f"Left as somebody has changed it: the part of the data in line {part.line}")
    n_open = sum(decision.is_undecided for decision in draft.decisions)
    n_decided = len(draft.decisions) - n_open
    say.good(f"Wrote {output}; decisions: {n_decided:,}, questions to decide: {n_open:,}")
