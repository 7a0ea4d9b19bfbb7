"""`ner-plus redact`: many texts without their entities."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._going_on import tells_how_to_go_on
from ._options import (
    CodePath,
    GpuId,
    IdField,
    RedactionLabels,
    SpansKey,
    TextField,
    TextsFormat,
    parse_labels,
    parse_thresholds,
    prepare,
)


def redact_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a pipeline")],
    texts: Annotated[
        Path,
        typer.Argument(help="Texts: .txt, .jsonl, .csv, .tsv, .parquet or .spacy, or a folder"),
    ],
    output: Annotated[Path, typer.Argument(help=".jsonl file to write, with a record a text")],
    method: Annotated[
        str,
        typer.Option(
            help="What stands in the place of entities: mask; label, [PERSON]; hash, "
            "[PERSON_1f0b...], by a secret key; surrogate, another name, the same each time"
        ),
    ] = "mask",
    labels: RedactionLabels = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P or TYPE=P",
            help="From which probability on: a low one also takes what was not found, but is "
            "likely enough; repeatable, a type each. Without it, what the pipeline finds",
        ),
    ] = None,
    repeated: Annotated[
        bool,
        typer.Option(help="Take all else in a text that has the words of an entity, too"),
    ] = True,
    mask_char: Annotated[str, typer.Option(help="What masks are made of")] = "█",
    mask_length: Annotated[
        int | None, typer.Option(help="Of all masks; without it, an entity's own", metavar="N")
    ] = None,
    hash_digits: Annotated[int, typer.Option(help="Hexadecimal digits of hashes")] = 16,
    key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Environment variable with the secret key"),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with the secret key, which you alone may read")
    ] = None,
    phrases: Annotated[
        Path | None,
        typer.Option(help="Names for surrogates: .csv, .tsv or .jsonl with phrase and label"),
    ] = None,
    names_of: Annotated[
        Path | None, typer.Option(help="Names for surrogates: the entities of .spacy files")
    ] = None,
    map: Annotated[
        Path | None,
        typer.Option(
            help="Write the way back, for `ner-plus unredact`, to a file that you alone may read"
        ),
    ] = None,
    offsets: Annotated[
        bool,
        typer.Option("--offsets", help="With each span, its characters in the original text"),
    ] = False,
    spans_key: SpansKey = None,
    input_format: TextsFormat = None,
    quoting: Annotated[
        str, typer.Option(help="Cells of CSV and TSV: rfc4180, none or auto; see predict")
    ] = "auto",
    text_field: TextField = "text",
    id_field: IdField = "id",
    chunk_size: Annotated[
        int, typer.Option(help="Rows to hold in memory and write together")
    ] = 1000,
    max_rejects: Annotated[
        int | None, typer.Option(help="Stop if there are more rows without a result", metavar="N")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew, and replace files that are there")
    ] = False,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Take the entities out of many texts.

    Every further occurrence of an entity in its text goes, too. If the process is killed, the same
    command goes on after the last whole chunk. Rows that can't be processed are not written: their
    numbers go to OUTPUT.rejects.jsonl. No message shows anything of a text.
    """
    with errors_as_messages(), tells_how_to_go_on(output):
        from .. import redact
        from ..redaction.redaction_terminal import print_redaction

        prepare(gpu_id, code)
        done = redact(
            model,
            texts,
            output,
            method=method,
            labels=parse_labels(labels),
            threshold=parse_thresholds(threshold),
            repeated=repeated,
            mask_char=mask_char,
            mask_length=mask_length,
            hash_digits=hash_digits,
            key_env=key_env,
            key_file=key_file,
            phrases=phrases,
            names_of=names_of,
            map=map,
            offsets=offsets,
            spans_key=spans_key,
            input_format=input_format,
            text_field=text_field,
            id_field=id_field,
            quoting=quoting,
            chunk_size=chunk_size,
            max_rejects=max_rejects,
            overwrite=overwrite,
            code=code,
        )
    counts = done.counts
    if done.before.documents or done.before.rejects:
        typer.echo(f"Went on after {done.before.documents + done.before.rejects:,} rows")
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    if done.rejects is not None:
        typer.echo(
            f"Warning: {counts.rejects:,} rows are not in the output: see {done.rejects}", err=True
        )
    print_redaction(done)
    if counts.rejects and not counts.documents:
        message = "Not one row could be processed: the pipeline or the call is at fault."
        typer.echo(message, err=True)
        raise typer.Exit(1)
