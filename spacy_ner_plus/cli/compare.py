"""`ner-plus compare`: whether a model is better than another, and where."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._options import (
    CodePath,
    GpuId,
    Labels,
    MapOfBothSides,
    SpansKey,
    Tokens,
    parse_label_map,
    parse_labels,
    prepare,
)

GATE_FAILED = 1
ERROR = 2


def compare_cli(
    model_a: Annotated[
        str,
        typer.Argument(
            help="The baseline: name or folder of any pipeline that sets doc.ents, or .jsonl file "
            "of predictions that ner-plus predict wrote"
        ),
    ],
    model_b: Annotated[str, typer.Argument(help="The candidate, likewise")],
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for comparison.json and differences.jsonl")
    ] = None,
    tokens: Tokens = "reference",
    spans_key: SpansKey = None,
    key_a: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Where entities of A are, if not where gold ones are: doc.spans[KEY], or doc.ents",
        ),
    ] = None,
    key_b: Annotated[str | None, typer.Option(metavar="KEY", help="The same of B")] = None,
    labels: Labels = None,
    label_map: MapOfBothSides = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            min=0, help="Exit with 1 if micro F1 of B is more than so many points below A's"
        ),
    ] = None,
    max_type_drop: Annotated[
        float | None,
        typer.Option(
            min=0, help="Exit with 1 if F1 of any type is more than so many points below A's"
        ),
    ] = None,
    min_support: Annotated[
        int,
        typer.Option(min=1, help="Gold entities that a type must have for --max-type-drop"),
    ] = 20,
    significant: Annotated[
        bool,
        typer.Option(
            "--significant", help="Let a drop pass that may be chance: with p of 0.05 or more"
        ),
    ] = False,
    examples: Annotated[
        int, typer.Option(min=0, help="Examples to print of each way to differ")
    ] = 3,
    samples: Annotated[int, typer.Option(min=1, help="Bootstrap samples for the intervals")] = 2000,
    swaps: Annotated[
        int, typer.Option(min=1, help="Random swaps of documents for the p-values")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of samples and swaps")] = 0,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Compare a candidate, B, with a baseline, A, on the same documents.

    Prints scores side by side, the differences with intervals and p-values, errors by their type,
    and entities that one finds and the other misses. Exits with 0; with 1 if B fails a gate
    (--max-drop, --max-type-drop); with 2 on an error.
    """
    with errors_as_messages(ERROR):
        from .. import Gate, compare
        from ..evaluation.comparison.comparison_terminal import (
            gate_message,
            print_comparison,
            print_examples,
        )
        from ..support.output_folder import check_output_folder

        gate = Gate(max_drop, max_type_drop, min_support, significant)
        if significant and gate.is_open:
            raise ValueError("--significant needs --max-drop or --max-type-drop to act on.")
        if output is not None:
            check_output_folder(output)
        type_names, new_names = parse_labels(labels), parse_label_map(label_map)
        prepare(gpu_id, code)
        comparison = compare(
            model_a,
            model_b,
            data,
            tokens=tokens,
            spans_key=spans_key,
            key_a=key_a,
            key_b=key_b,
            samples=samples,
            swaps=swaps,
            seed=seed,
            labels=type_names,
            label_map=new_names,
        ).with_gate(gate)
        if output is not None:
            comparison.write(output)
    print_examples(comparison.differences, examples)
    print_comparison(comparison.metrics)
    if output is not None:
        n_rows = len(comparison.differences)
        typer.echo(f"Wrote comparison.json and differences.jsonl ({n_rows:,} rows) to {output}")
    if comparison.metrics.gate is not None:
        typer.echo(gate_message(comparison.metrics.gate))
        if not comparison.metrics.gate.passed:
            raise typer.Exit(GATE_FAILED)
