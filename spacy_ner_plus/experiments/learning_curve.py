"""Measuring a learning curve: what `ner-plus learning-curve` does, for Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinc.api import Config

from ..data.splitting.annotated_corpus import read_corpus
from ..pages.curve import require_plots, save_learning_curve
from ..pipeline.entity_sources import sources_of
from .carrying_out import (
    carry_out_runs,
    content_settings,
    source_settings,
    usable_config,
    warn_of_rare_labels,
)
from .curve_plan import describe_last_gain, plan_learning_curve, plotted
from .results import CurvePoint, LearningCurveResults
from .runs import Experiment
from .shares import SHARES
from .summary import types_with_gold

PLOT = "curve.svg"


@dataclass(frozen=True)
class LearningCurve:
    """What a learning curve shows.

    points (List[CurvePoint]): One a share of the data, with mean and standard deviation.
    n_scored (int): Documents that were scored.
    path (Path), plot (Path): The file that holds all of it, and the picture.
    """

    points: list[CurvePoint]
    n_scored: int
    path: Path
    plot: Path

    @property
    def types_with_gold(self) -> set[str]:
        """See summary.types_with_gold."""
        return types_with_gold(run.scores for point in self.points for run in point.runs)

    @property
    def last_gain(self) -> str:
        """What the last step brought, in words."""
        return describe_last_gain(self.points)


def learning_curve(
    config: str | Path | Config,
    train: str | Path,
    dev: str | Path,
    output: str | Path,
    *,
    shares: Sequence[float] = SHARES,
    repeats: int = 1,
    seed: int = 0,
    dev_share: float = 0.1,
    spans_key: str | None = None,
    predicted_key: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    keep_models: bool = False,
    overwrite: bool = False,
) -> LearningCurve:
    """Train with shares of the data, to see whether more documents would help.

    After an interruption the same call goes on after the last run that was finished.

    config (str / Path / Config): A training config, or its file.
    train (str / Path): .spacy file to train with, or a folder of such files.
    dev (str / Path): Likewise, to score. The checkpoint is chosen by a part of the share itself.
    output (str / Path): Folder for runs, results and the plot.
    shares (Sequence[float]): Of the training documents; each contains the smaller ones, and all are
        balanced by entity types.
    repeats (int): How often each share is trained with, with other seeds.
    seed, dev_share, spans_key, predicted_key, overrides, code, gpu_id, keep_models, overwrite: See
        cross_validate.
    RETURNS (LearningCurve): Scores by the number of documents.
    RAISES ValueError: If there are too few documents, a setting can't be, matplotlib is not
        installed, or the folder holds runs that were begun otherwise.
    """
    require_plots()
    output = Path(output)
    loaded, nlp = usable_config(config, overrides, output=output, code=code, gpu_id=gpu_id)
    sources = sources_of(nlp, spans_key, predicted_key)
    corpus, scored = (read_corpus(Path(data), sources.gold) for data in (train, dev))
    if corpus.sha256 == scored.sha256:
        raise ValueError(f"{train} and {dev} are the same: score documents not trained with.")
    curve = plan_learning_curve(
        loaded.interpolate(),
        corpus,
        shares=list(shares),
        repeats=repeats,
        dev_share=dev_share,
        seed=seed,
        further_settings={
            "dev_sha256": scored.sha256,
            **content_settings(loaded.interpolate(), code),
            **source_settings(sources),
        },
    )
    n_parts = round(1 / curve.shares[0])
    warn_of_rare_labels(corpus.rare_labels(n_parts), f"for a share of {curve.shares[0]:g}")
    experiment = Experiment(output, curve.plan, overwrite=overwrite)
    scores = carry_out_runs(
        experiment,
        loaded,
        corpus,
        test=Path(dev),
        predicted=sources.predicted,
        gpu_id=gpu_id,
        keep_models=keep_models,
    )
    points = curve.points(corpus, scores)
    path = experiment.write_results(LearningCurveResults(**experiment.head, points=points))
    plot = output / PLOT
    title = f"Learning curve, scored on {len(scored):,} documents"
    save_learning_curve(plotted(points), plot, title=title)
    return LearningCurve(points, len(scored), path, plot)
