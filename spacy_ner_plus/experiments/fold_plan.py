"""Cross-validation: every document is scored once, by a model that has not seen it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from thinc.api import Config

from ..data.splitting.annotated_corpus import AnnotatedCorpus
from ..data.splitting.stratification import stratify
from .results import Fold, PartSizes, RunScores
from .runs import Plan, Run
from .trial import config_settings

PLAN = "folds.json"
SCHEMA = "spacy_ner_plus.cross-validation"


def plan_cross_validation(
    config: Config,
    corpus: AnnotatedCorpus,
    *,
    folds: int,
    dev_share: float,
    seed: int,
    further_settings: dict[str, Any],
) -> Plan:
    """Divide a corpus into folds.

    A run trains on all but one, with a part of them set aside for the choice of the checkpoint, and
    scores that one.

    config (Config): The interpolated config.
    dev_share (float): How much of the documents of the other folds is set aside.
    seed (int): Of the division; training has the config's seed, or this where that is null.
    further_settings (Dict[str, Any]): What else the outcome depends on.
    RAISES ValueError: If there are too few documents, or settings that can't be.
    """
    if folds < 2:
        raise ValueError(f"--folds must be 2 at least, got {folds}.")
    for n, kind in (
        (len(corpus), "documents"),
        (np.count_nonzero(corpus.counts.any(axis=1)), "documents with entities"),
    ):
        if n < folds:
            raise ValueError(
                f"{folds} folds need as many {kind} at least, but there are only {n} in "
                f"{corpus.path}: take fewer --folds."
            )
    settings = {
        "data_sha256": corpus.sha256,
        "folds": folds,
        "seed": seed,
        "dev_share": dev_share,
    }
    fold_of = stratify(corpus.counts, [1 / folds] * folds, seed)
    training_seed = config["training"].get("seed")
    runs = []
    for fold in range(folds):
        train, dev = corpus.carve(np.flatnonzero(fold_of != fold), dev_share, seed)
        runs.append(
            Run(
                name=f"fold-{fold + 1}",
                title=f"Fold {fold + 1}",
                seed=seed if training_seed is None else training_seed,
                train=train.tolist(),
                dev=dev.tolist(),
                test=np.flatnonzero(fold_of == fold).tolist(),
            )
        )
    return Plan(PLAN, SCHEMA, {**settings, **further_settings, **config_settings(config)}, runs)


def describe_folds(plan: Plan, corpus: AnnotatedCorpus, results: Sequence[RunScores]) -> list[Fold]:
    """The folds with their sizes and scores.

    results (Sequence[RunScores]): Of the plan's runs.
    """
    folds = []
    for run, scores in zip(plan.runs, results, strict=True):
        parts = (run.train, run.dev, run.test or [])
        folds.append(
            Fold(
                name=run.name,
                n_docs=PartSizes(*(len(part) for part in parts)),
                n_entities=PartSizes(*(corpus.n_entities(part) for part in parts)),
                scores=scores,
            )
        )
    return folds
