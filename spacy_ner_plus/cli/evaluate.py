"""`ner-plus evaluate`: what a pipeline gets wrong, and how sure it is."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from ._errors import errors_as_messages
from ._options import CodePath, GpuId, SpansKey, Tokens, prepare

METRICS, ERRORS, REPORT = "metrics.json", "errors.jsonl", "report.html"


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
        Path | None, typer.Option(help=f"Folder for {METRICS}, {ERRORS} and {REPORT}")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            help="Training data, to tell entities that are known from it from those that are not"
        ),
    ] = None,
    tokens: Tokens = "reference",
    spans_key: SpansKey = None,
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
        from ..evaluation.measures import EvaluationSettings, measure
        from ..evaluation.predictions import predict
        from ..evaluation.terminal import print_metrics

        settings = EvaluationSettings(
            data=str(data),
            train=train,
            tokens=tokens,
            spans_key=spans_key,
            precision=precision,
            samples=samples,
            seed=seed,
        )
        _check(output, train)
        prepare(gpu_id, code)
        predicted = predict(model, data, tokens=tokens, spans_key=spans_key)
        metrics, errors = measure(predicted, settings)
        print_metrics(metrics, errors)
        if output is not None:
            write(output, metrics, errors)
            msg.good(f"Wrote {METRICS}, {ERRORS} and {REPORT} to {output}")


def write(output: Path, metrics: dict[str, Any], errors: list[dict[str, Any]]) -> None:
    """Write metrics.json, errors.jsonl and report.html to a folder."""
    from ..evaluation.report import write_report

    output.mkdir(parents=True, exist_ok=True)
    _write_lines(output / METRICS, [json.dumps(metrics, indent=2, ensure_ascii=False)])
    _write_lines(output / ERRORS, (json.dumps(row, ensure_ascii=False) for row in errors))
    write_report(metrics, errors, output / REPORT)


def _check(output: Path | None, train: Path | None) -> None:
    """Find out what is missing before the pipeline runs."""
    from ..data.doc_files import find_files, read_file
    from ..evaluation.partial import EXTRA
    from ..support.extras import require

    require("nervaluate", EXTRA)
    if output is not None:
        require("matplotlib", EXTRA)
        if output.exists() and not output.is_dir():
            raise ValueError(f"{output} is a file: --output takes a folder.")
        output.mkdir(parents=True, exist_ok=True)
    if train is not None:
        for file in find_files(train):
            read_file(file)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    with path.open("w", encoding="utf8", errors="replace", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
