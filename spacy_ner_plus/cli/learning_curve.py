"""`ner-plus learning-curve`: whether more annotated documents would help."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ._errors import errors_as_messages
from ._experiments import (
    ConfigPath,
    DevShare,
    KeepModels,
    Output,
    Overwrite,
    Seed,
    carry_out_runs,
    code_settings,
    plus_minus,
    read_config,
    warn_of_rare_labels,
)
from ._options import CodePath, GpuId

if TYPE_CHECKING:
    from ..experiments.results import CurvePoint

PLOT = "curve.svg"


def learning_curve_cli(
    ctx: typer.Context,
    config_path: ConfigPath,
    train: Annotated[
        Path, typer.Argument(help=".spacy file to train with, or a folder of such files")
    ],
    dev: Annotated[Path, typer.Argument(help=".spacy file to score, or a folder of such files")],
    output: Output,
    shares: Annotated[
        str, typer.Option(help="Shares of the training documents, parted by commas")
    ] = "0.125,0.25,0.5,1",
    repeats: Annotated[
        int, typer.Option(help="How often each share is trained with, with other seeds")
    ] = 1,
    seed: Seed = 0,
    dev_share: DevShare = 0.1,
    code: CodePath = None,
    gpu_id: GpuId = -1,
    keep_models: KeepModels = False,
    overwrite: Overwrite = False,
) -> None:
    """Train with shares of the data and plot F1 against the number of documents.

    Each share contains the smaller ones, and all are balanced by entity types. The checkpoint is
    chosen by a part of the share itself, so that the scored documents stay unseen. If it is
    interrupted, the same command goes on after the last run that was finished. The config can be
    overridden as in spacy train: --training.max_steps 1000.
    """
    from ..data.splitting.annotated_corpus import read_corpus
    from ..experiments.learning_curve import describe_last_gain, plan_learning_curve, plotted
    from ..experiments.runs import Experiment
    from ..pages.curve import require_plots, save_learning_curve

    with errors_as_messages():
        require_plots()
        config = read_config(config_path, ctx.args, code)
        corpus, scored = read_corpus(train), read_corpus(dev)
        if corpus.sha256 == scored.sha256:
            raise ValueError(f"{train} and {dev} are the same: score documents not trained with.")
        curve = plan_learning_curve(
            config.interpolate(),
            corpus,
            shares=parse_shares(shares),
            repeats=repeats,
            dev_share=dev_share,
            seed=seed,
            further_settings={"dev_sha256": scored.sha256, **code_settings(code)},
        )
        n_parts = round(1 / curve.shares[0])
        warn_of_rare_labels(corpus.rare_labels(n_parts), f"for a share of {curve.shares[0]:g}")
        experiment = Experiment(output, curve.plan, overwrite=overwrite)

    scores = carry_out_runs(
        experiment, config, config_path, corpus, test=dev, gpu_id=gpu_id, keep_models=keep_models
    )
    points = curve.points(corpus, scores)
    msg.divider(f"F1 on {len(scored):,} documents")
    print_points(points)
    path = experiment.write_results(points=points)
    title = f"Learning curve, scored on {len(scored):,} documents"
    save_learning_curve(plotted(points), output / PLOT, title=title)
    msg.good(f"Wrote {path} and {output / PLOT}")
    msg.text(describe_last_gain(points))


def parse_shares(text: str) -> list[float]:
    """Numbers parted by commas. RAISES ValueError: If something else is there."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--shares must be numbers parted by commas, such as 0.125,0.25,0.5,1, got {text!r}."
        ) from None


def print_points(points: "list[CurvePoint]") -> None:
    """Print F1, a column a share: of each type, micro and macro."""
    summaries = [point.summary for point in points]
    labels = sorted(set().union(*(summary.per_type for summary in summaries)))
    lines = {label: [summary.per_type.get(label) for summary in summaries] for label in labels}
    lines |= {"micro": [summary.micro for summary in summaries]}
    lines |= {"macro": [summary.macro for summary in summaries]}
    rows = [
        ("Documents", *(f"{point.n_docs:,}" for point in points)),
        ("Entities", *(f"{point.n_entities:,.0f}" for point in points)),
    ]
    for name, scores in lines.items():
        rows.append((name, *("-" if its is None else plus_minus(its.f1) for its in scores)))
    header = ("Share", *(f"{point.share:g}" for point in points))
    msg.table(rows, header=header, divider=True, aligns=["l", *"r" * len(points)])
