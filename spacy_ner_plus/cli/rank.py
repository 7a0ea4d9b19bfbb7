"""`ner-plus rank`: the texts to annotate next."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import CodePath, GpuId, IdField, TextField, TextsFormat, prepare


def rank_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a pipeline")],
    texts: Annotated[
        Path,
        typer.Argument(help="Texts: .txt, .jsonl, .csv, .tsv, .parquet or .spacy, or a folder"),
    ],
    output: Annotated[Path, typer.Argument(help="File of tasks to write")],
    n: Annotated[int | None, typer.Option("-n", help="How many, at most")] = 100,
    tokens: Annotated[
        int | None, typer.Option(help="How many tokens they may have in all; sums are by the token")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(help="least-confidence, margin, entropy, mnlp, expected-errors or random"),
    ] = "mnlp",
    unit: Annotated[
        str, typer.Option(help="What is annotated at once: document or sentence")
    ] = "document",
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Choose texts that are unlike each other")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of random choice")] = 0,
    component: Annotated[
        str | None, typer.Option(help="Name of the component, if there are several")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Format of OUTPUT, if its name does not tell")
    ] = None,
    input_format: TextsFormat = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    code: CodePath = None,
    gpu_id: GpuId = -1,
) -> None:
    """Choose the texts whose annotation a pipeline would learn most from.

    They are written as tasks for any annotation tool, best first, with the entities that the
    pipeline finds. Of texts that are nearly the same, one is chosen.
    """
    with errors_as_messages():
        from .. import rank

        prepare(gpu_id, code)
        done = rank(
            model,
            texts,
            output,
            n=n,
            tokens=tokens,
            strategy=strategy,
            unit=unit,
            diverse=diverse,
            seed=seed,
            component=component,
            to=to,
            input_format=input_format,
            text_field=text_field,
            id_field=id_field,
        )
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(
        f"Of {done.units:,} {unit}s with {done.tokens:,} tokens, {done.chosen:,} with "
        f"{done.chosen_tokens:,}: mean {strategy} {done.mean_score:.4f}, of all "
        f"{done.all_score:.4f}. {done.duplicates:,} near duplicates were left out"
        + (f"; unlikeness by {done.vectors}." if done.vectors else ".")
    )
    say.good(f"Wrote {done.output}")
