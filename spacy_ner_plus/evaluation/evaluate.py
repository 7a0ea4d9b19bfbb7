"""Evaluating a pipeline: what `ner-plus evaluate` does, for Python."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..data.doc_files import check_files
from ..support.extras import require
from ..support.output_folder import check_output_folder
from ..support.typed_json import from_json
from .label_choice import choose
from .measures import EvaluationSettings, measure
from .partial import EXTRA
from .predictions import predict
from .report import render_report, write_report
from .result_files import write_result, write_rows
from .schema import SCHEMA, SCHEMA_VERSION, Metrics

METRICS, ERRORS, REPORT = "metrics.json", "errors.jsonl", "report.html"


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What an evaluation found.

    metrics (Metrics): All figures, as in metrics.json.
    errors (List[Dict[str, Any]]): The single errors in context, as in errors.jsonl.
    refused (Dict[str, int]): Entities that the pipeline's validators left out, by type.
    n_greedy (int): Groups of crossing spans that were too large for the pipeline to find the best
        set, so that it took the most probable ones first.
    """

    metrics: Metrics
    errors: list[dict[str, Any]]
    refused: dict[str, int] = field(default_factory=dict)
    n_greedy: int = 0

    def __repr__(self) -> str:
        """In short: there may be thousands of errors."""
        its = self.metrics
        n_errors = len(self.errors)
        return f"<Evaluation of {its.model} on {its.data}: F1 {self.f1:.4f}, {n_errors:,} errors>"

    @property
    def f1(self) -> float:
        """Micro F1 of exact matches of span and label, from 0 to 1."""
        return self.metrics.exact.micro.f1

    @property
    def report(self) -> str:
        """The report as HTML: one page, which loads nothing.

        RAISES ValueError: If matplotlib is not installed.
        """
        return render_report(self.metrics, self.errors)

    def write(self, folder: Path | str) -> None:
        """Write metrics.json, errors.jsonl and report.html.

        folder (Union[Path, str]): Is made if it is not there.
        RAISES ValueError: See check_folder.
        """
        folder = Path(folder)
        check_folder(folder)
        write_result(folder / METRICS, self.metrics)
        write_rows(folder / ERRORS, self.errors)
        write_report(self.metrics, self.errors, folder / REPORT)


def evaluate(
    model: Language | str | Path,
    data: Path | str,
    *,
    train: Path | str | None = None,
    tokens: str = "reference",
    spans_key: str | None = None,
    predicted_key: str | None = None,
    precision: float = 0.9,
    samples: int = 2000,
    seed: int = 0,
    labels: Iterable[str] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Evaluation:
    """Evaluate the entities of a pipeline.

    This gives exact and partial scores with intervals, errors by kind and what they cost, scores of
    groups of entities, and how far the probabilities can be trusted.

    model (Union[Language, str, Path]): Any pipeline that sets doc.ents or a group of doc.spans, or
        its name or folder, or a .jsonl file with predictions for the same documents in the same
        order, as `ner-plus predict` writes them.
    data (Union[Path, str]): .spacy file with gold annotation, or a folder of such files.
    train (Union[Path, str]): The training data, likewise, to tell entities that are known from it
        from those that are not; None leaves that out.
    tokens (str): Which tokens the pipeline gets: "reference" for those of the data, as published
        results are scored, "pipeline" for what its tokenizer makes of the text.
    spans_key (str): Where entities are, gold and predicted ones: a key of doc.spans, where they may
        nest and overlap, or "doc.ents". None: where the pipeline's component says that it writes
        entities that nest, else doc.ents.
    predicted_key (str): Where the pipeline's are, likewise, if they are elsewhere.
    precision (float): What thresholds are looked for to reach, in (0, 1].
    samples, seed (int): Of the bootstrap.
    labels (Iterable[str]): The types that count, in the annotation and in what is predicted, by the
        names that label_map gives; None for all.
    label_map (Mapping[str, str]): New names of types of either side, so that both call the same by
        the same name. An empty name drops the type.
    RETURNS (Evaluation): docs/evaluation.md says what the figures mean.
    RAISES ValueError: If nervaluate is not installed, a setting is out of range, data can't be read
        or has no annotation, the pipeline sets no such entities, or none is of a type that counts.
    """
    train = None if train is None else Path(train)
    settings = EvaluationSettings(
        data=str(data),
        train=train,
        tokens=tokens,
        precision=precision,
        samples=samples,
        seed=seed,
        choice=choose(labels, label_map),
    )
    # before the pipeline runs
    require("nervaluate", EXTRA)
    if train is not None:
        check_files(train)
    check_files(Path(data))
    predicted = predict(
        model,
        Path(data),
        tokens=tokens,
        spans_key=spans_key,
        predicted_key=predicted_key,
        choice=settings.choice,
    )
    counted = predicted.counted
    return Evaluation(*measure(predicted, settings), dict(counted.refused), counted.n_greedy)


def check_folder(folder: Path) -> None:
    """Make the folder that an evaluation is to be written to, and find out what would be missing.

    RAISES ValueError: If it is a file, can't be written to, or matplotlib is not installed.
    """
    require("matplotlib", EXTRA)
    check_output_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)


def read_metrics(folder: Path | str) -> Metrics:
    """Read the metrics.json that an evaluation was written to.

    RAISES ValueError: It is not there, or was written by another version.
    """
    path = Path(folder) / METRICS
    if not path.is_file():
        raise ValueError(
            f"There are no results in {folder}: run `ner-plus evaluate --output {folder}` first."
        )
    try:
        metrics = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(f"{path} can't be read: {error}. Run `ner-plus evaluate` again.") from None
    if not isinstance(metrics, dict):
        raise ValueError(f"{path} holds no metrics. Run `ner-plus evaluate` again.")
    version = (metrics.get("schema"), metrics.get("schema_version"))
    if version != (SCHEMA, SCHEMA_VERSION):
        raise ValueError(
            f"{path} has the schema {version}, but {(SCHEMA, SCHEMA_VERSION)} is expected: run "
            "`ner-plus evaluate` again."
        )
    return from_json(Metrics, metrics, str(path))
