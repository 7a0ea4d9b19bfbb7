"""What experiments have in common between a plan and its results."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from spacy.cli._util import import_code, setup_gpu
from thinc.api import Config
from wasabi import msg

from ..data.splitting.annotated_corpus import AnnotatedCorpus
from ..support.digests import file_digest
from ..training.load_config import load_config
from .results import RunScores
from .runs import Experiment
from .trial import carry_out, remove_models


def usable_config(
    config: str | Path | Config, overrides: Mapping[str, Any] | None, code: Path | None
) -> Config:
    """A config, not interpolated, and known to be one that can be.

    overrides (Mapping[str, Any]): Values by their dotted names.
    code (Path): A Python file with registered functions to import.
    """
    import_code(code)
    loaded = load_config(config, overrides)
    loaded.interpolate()
    return loaded


def code_settings(code: Path | None) -> dict[str, Any]:
    """What the outcome depends on besides config and data."""
    return {"code_sha256": file_digest(code)} if code is not None else {}


def warn_of_rare_labels(labels: Mapping[str, int], purpose: str) -> None:
    """Name labels that too few documents have."""
    for label, n_docs in labels.items():
        msg.warn(
            f"{label} occurs in {n_docs} document{'s' if n_docs > 1 else ''} only, too few "
            f"{purpose}: its scores mean little"
        )


def carry_out_runs(
    experiment: Experiment,
    config: Config,
    corpus: AnnotatedCorpus,
    *,
    test: Path | None = None,
    gpu_id: int,
    keep_models: bool,
) -> list[RunScores]:
    """Do the runs that are not done yet.

    test (Path): The documents to score, if they are not of the corpus.
    RETURNS (List[RunScores]): The scores of all runs.
    """
    if not keep_models:
        msg.info("Models are removed when they are scored: --keep-models keeps them")
    work = partial(carry_out, config=config, corpus=corpus, test=test, gpu_id=gpu_id)
    clean_up = (lambda folder: None) if keep_models else remove_models
    if gpu_id >= 0:
        setup_gpu(gpu_id)
    return experiment.carry_out(work, clean_up, _describe_scores)


def _describe_scores(scores: RunScores) -> str:
    """The scores of a run in a line."""
    micro = scores.micro
    return (
        f"P {100 * micro.precision:.2f}, R {100 * micro.recall:.2f}, "
        f"F1 {100 * micro.f1:.2f}, macro F1 {100 * scores.macro.f1:.2f}"
    )
