"""`ner-plus predict`: a pipeline over many documents, in constant memory, resumable."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import tell_greedy, tell_refused
from ._errors import errors_as_messages
from ._going_on import tells_how_to_go_on
from ._options import CodePath, GpuId, IdField, SpansKey, TextField, TextsFormat, prepare


def predict_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a pipeline")],
    input: Annotated[
        Path,
        typer.Argument(
            help=".txt file (a document a line), .jsonl, .csv, .tsv, .parquet or .spacy file, or a "
            "folder of .txt or .spacy files"
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            help=".jsonl, .parquet or .spacy file, or a folder for .spacy files with "
            "--output-format spacy"
        ),
    ],
    input_format: TextsFormat = None,
    quoting: Annotated[
        str,
        typer.Option(
            help="Cells of CSV and TSV that begin with a quote: rfc4180, they end with one, maybe "
            "lines below; none, quotes are text; auto, as rfc4180, with a warning if cells of TSV "
            "hold line ends"
        ),
    ] = "auto",
    output_format: Annotated[
        str | None, typer.Option(help="jsonl, parquet or spacy, if not the suffix's")
    ] = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    keep_fields: Annotated[
        bool, typer.Option("--keep-fields", help="Write the other fields too, under 'fields'")
    ] = False,
    spans_key: SpansKey = None,
    k_best: Annotated[
        int | None,
        typer.Option(help="Also the k most probable readings of each sentence", metavar="K"),
    ] = None,
    component: Annotated[
        str, typer.Option(help="Name of the ner_plus component that gives the readings")
    ] = "ner_plus",
    chunk_size: Annotated[
        int, typer.Option(help="Rows to hold in memory and write together")
    ] = 1000,
    rows: Annotated[
        str,
        typer.Option(
            help="records, or 0.4: rows with 'entities', as that version wrote them; a later one "
            "won't"
        ),
    ] = "records",
    max_rejects: Annotated[
        int | None, typer.Option(help="Stop if there are more rows without a result", metavar="N")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew, and replace an output that is there")
    ] = False,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Find the entities of many documents.

    If the process is killed, the same command goes on after the last whole chunk. Rows that can't
    be processed go to OUTPUT.rejects.jsonl with the reason.
    """
    with errors_as_messages(), tells_how_to_go_on(output):
        from .. import predict

        prepare(gpu_id, code)
        summary = predict(
            model,
            input,
            output,
            input_format=input_format,
            output_format=output_format,
            text_field=text_field,
            id_field=id_field,
            keep_fields=keep_fields,
            spans_key=spans_key,
            k_best=k_best,
            component=component,
            chunk_size=chunk_size,
            rows=rows,
            max_rejects=max_rejects,
            overwrite=overwrite,
            code=code,
            quoting=quoting,
        )
    # Not wasabi: it breaks lines, and with them paths.
    counts, before = summary.counts, summary.before
    if before.documents or before.rejects:
        typer.echo(f"Went on after {before.documents + before.rejects:,} rows")
    if summary.rejects is not None:
        typer.echo(f"Warning: {counts.rejects:,} rows rejected: see {summary.rejects}", err=True)
    typer.echo(
        f"Wrote {output}: {counts.documents:,} documents with {counts.entities:,} entities in "
        f"{counts.words:,} words ({summary.words_per_second:,.0f} words/s)"
    )
    tell_refused(summary.refused)
    tell_greedy(summary.n_greedy)
    if counts.rejects and not counts.documents:
        message = "Not one row could be processed: the pipeline or the call is at fault."
        typer.echo(message, err=True)
        raise typer.Exit(1)
