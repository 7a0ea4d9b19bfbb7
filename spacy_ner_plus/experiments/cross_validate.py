"""Cross-validating a config: what `ner-plus cross-validate` does, for Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinc.api import Config

from ..data.splitting.annotated_corpus import read_corpus
from ..pipeline.entity_sources import sources_of
from .carrying_out import (
    carry_out_runs,
    content_settings,
    source_settings,
    usable_config,
    warn_of_rare_labels,
)
from .fold_plan import describe_folds, plan_cross_validation
from .results import CrossValidationResults, Fold, RunsSummary
from .runs import Experiment
from .summary import summarise, types_with_gold


@dataclass(frozen=True)
class CrossValidation:
    """What a cross-validation found.

    summary (RunsSummary): Mean and standard deviation of the scores.
    folds (List[Fold]): Sizes and scores of each fold.
    n_docs (int): Documents in all.
    path (Path): The file that holds all of it.
    """

    summary: RunsSummary
    folds: list[Fold]
    n_docs: int
    path: Path

    @property
    def types_with_gold(self) -> set[str]:
        """See summary.types_with_gold."""
        return types_with_gold(fold.scores for fold in self.folds)


def cross_validate(
    config: str | Path | Config,
    data: str | Path,
    output: str | Path,
    *,
    folds: int = 5,
    seed: int = 0,
    dev_share: float = 0.1,
    spans_key: str | None = None,
    predicted_key: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    keep_models: bool = False,
    overwrite: bool = False,
) -> CrossValidation:
    """Train and score once for each fold.

    Each document is scored by a model that was trained without it. After an interruption the same
    call goes on after the last fold that was finished.

    config (str / Path / Config): A training config, or its file.
    data (str / Path): .spacy file with gold annotation, or a folder of such files.
    output (str / Path): Folder for runs and results.
    folds (int): How many; they are balanced by entity types, and documents are never split.
    seed (int): Of the choice of documents.
    dev_share (float): How much of the documents to train with is set aside to choose the
        checkpoint by.
    spans_key, predicted_key (str): Where entities are: see evaluate. None: where the config's
        component says that it writes entities that nest, else doc.ents.
    overrides (Mapping[str, Any]): Values of the config by their dotted names.
    code (Path): A Python file with registered functions to import.
    gpu_id (int): GPU for components that need CuPy, or -1.
    keep_models (bool): Keep models and data of the runs, which take space.
    overwrite (bool): Begin anew, and remove the runs that are there.
    RETURNS (CrossValidation): Scores with their spread.
    RAISES ValueError: If there are too few documents, a setting can't be, or the folder holds runs
        that were begun otherwise.
    """
    output = Path(output)
    loaded, nlp = usable_config(config, overrides, output=output, code=code, gpu_id=gpu_id)
    sources = sources_of(nlp, spans_key, predicted_key)
    corpus = read_corpus(Path(data), sources.gold)
    plan = plan_cross_validation(
        loaded.interpolate(),
        corpus,
        folds=folds,
        dev_share=dev_share,
        seed=seed,
        further_settings={
            **content_settings(loaded.interpolate(), code),
            **source_settings(sources),
        },
    )
    warn_of_rare_labels(corpus.rare_labels(folds), f"for {folds} folds")
    experiment = Experiment(output, plan, overwrite=overwrite)
    scores = carry_out_runs(
        experiment,
        loaded,
        corpus,
        predicted=sources.predicted,
        gpu_id=gpu_id,
        keep_models=keep_models,
    )
    described, summary = describe_folds(plan, corpus, scores), summarise(scores)
    results = CrossValidationResults(**experiment.head, folds=described, summary=summary)
    return CrossValidation(summary, described, len(corpus), experiment.write_results(results))
