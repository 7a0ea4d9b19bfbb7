"""`ner-plus evaluate`: what a pipeline gets wrong, and how sure it is."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say, tell_greedy, tell_refused
from ._errors import errors_as_messages
from ._options import (
    CodePath,
    GpuId,
    Labels,
    MapOfBothSides,
    PredictedKey,
    SpansKey,
    Tokens,
    parse_label_map,
    parse_labels,
    prepare,
)


def evaluate_cli(
    model: Annotated[
        str,
        typer.Argument(
            help="Name or folder of a pipeline with entities, or JSONL that ner-plus predict wrote"
        ),
    ],
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for metrics.json, errors.jsonl and report.html")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            help="Training data, to tell entities that are known from it from those that are not"
        ),
    ] = None,
    tokens: Tokens = "reference",
    spans_key: SpansKey = None,
    predicted_key: PredictedKey = None,
    labels: Labels = None,
    label_map: MapOfBothSides = None,
    precision: Annotated[
        float, typer.Option(help="Precision, 0 to 1, for which thresholds are looked for")
    ] = 0.9,
    samples: Annotated[int, typer.Option(help="Samples of the bootstrap")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap")] = 0,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Evaluate the entities of a pipeline.

    Prints exact and partial scores with intervals, errors by kind and what they cost, scores of
    groups of entities, and how far the probabilities can be trusted.
    """
    with errors_as_messages():
        from .. import evaluate
        from ..evaluation.evaluate import check_folder
        from ..evaluation.terminal import print_metrics

        if output is not None:
            check_folder(output)
        type_names, new_names = parse_labels(labels), parse_label_map(label_map)
        prepare(gpu_id, code)
        evaluation = evaluate(
            model,
            data,
            train=train,
            tokens=tokens,
            spans_key=spans_key,
            predicted_key=predicted_key,
            precision=precision,
            samples=samples,
            seed=seed,
            labels=type_names,
            label_map=new_names,
        )
        print_metrics(evaluation.metrics, evaluation.errors)
        tell_refused(evaluation.refused)
        tell_greedy(evaluation.n_greedy)
        if output is not None:
            evaluation.write(output)
            say.good(f"Wrote metrics.json, errors.jsonl and report.html to {output}")
