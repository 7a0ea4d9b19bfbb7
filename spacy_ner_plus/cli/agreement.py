"""`ner-plus agreement`: how far annotators agree, and what to decide between them."""

from pathlib import Path
from typing import Annotated

import typer

from ..data.format_option import parse_option
from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import LabelMap, parse_label_map, parse_labels
from ._parts import FormatOptions, FromFormat

TOO_LOW = 1
ERROR = 2


def agreement_cli(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="A file or folder for each annotator, of any format; or one export that names "
            "several annotators, of Label Studio, Prodigy, or records with 'annotator' in 'meta'",
            metavar="FILE...",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for agreement.json, agreement.html and adjudication.jsonl"),
    ] = None,
    match: Annotated[
        str,
        typer.Option(
            help="How texts are found to be the same: id, text, or auto: by id if all texts have "
            "one and annotators share some"
        ),
    ] = "auto",
    from_format: FromFormat = None,
    option: FormatOptions = None,
    lang: Annotated[
        str,
        typer.Option(
            help="Language whose tokenizer cuts texts that have no tokens, or not the same ones"
        ),
    ] = "en",
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these entity types count; with --map, by new names"),
    ] = None,
    label_map: LabelMap = None,
    min_alpha: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="Exit with 1 if alpha on all tokens is lower"),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Disagreements of each kind to print")] = 3,
    samples: Annotated[int, typer.Option(min=1, help="Samples of the bootstrap")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap")] = 0,
) -> None:
    """Measure how far annotators of the same texts agree, and where they do not.

    Prints F1 between annotators and Krippendorff's alpha with intervals, by label, and
    disagreements by kind. With --output, adjudication.jsonl has the texts on which they differ,
    for any annotation tool. Exits with 0; with 1 if alpha is below --min-alpha; with 2 on an error.
    """
    with errors_as_messages(ERROR):
        from .. import agreement
        from ..audit.agreement.agreement_terminal import alpha_message, print_agreement, reaches
        from ..support.output_folder import check_output_folder

        if output is not None:
            check_output_folder(output)
        found = agreement(
            paths,
            format=from_format,
            options=dict(map(parse_option, option or ())),
            match=match,
            lang=lang,
            labels=parse_labels(labels),
            label_map=parse_label_map(label_map),
            samples=samples,
            seed=seed,
        )
        print_agreement(found.metrics, examples)
        if output is not None:
            found.write(output)
            n = len(found.adjudication)
            say.good(
                f"Wrote agreement.json, agreement.html and adjudication.jsonl ({n:,} texts) to "
                f"{output}"
            )
    if min_alpha is not None:
        typer.echo(alpha_message(found.metrics, min_alpha))
        if not reaches(found.metrics, min_alpha):
            raise typer.Exit(TOO_LOW)
