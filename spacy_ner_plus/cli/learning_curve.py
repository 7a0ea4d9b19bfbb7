"""`ner-plus learning-curve`: whether more annotated documents would help."""

from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..experiments.shares import SHARES
from ..pages.telling import say
from ._errors import errors_as_messages
from ._experiments import ConfigPath, DevShare, KeepModels, Output, Overwrite, Seed, plus_minus
from ._options import CodePath, GpuId, PredictedKey, SpansKey, config_overrides

if TYPE_CHECKING:
    from ..experiments.results import CurvePoint

DEFAULT_SHARES = ",".join(f"{share:g}" for share in SHARES)


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
    ] = DEFAULT_SHARES,
    repeats: Annotated[
        int, typer.Option(help="How often each share is trained with, with other seeds")
    ] = 1,
    seed: Seed = 0,
    dev_share: DevShare = 0.1,
    spans_key: SpansKey = None,
    predicted_key: PredictedKey = None,
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
    from .. import learning_curve

    with errors_as_messages():
        done = learning_curve(
            config_path,
            train,
            dev,
            output,
            shares=parse_shares(shares),
            repeats=repeats,
            seed=seed,
            dev_share=dev_share,
            spans_key=spans_key,
            predicted_key=predicted_key,
            overrides=config_overrides(ctx.args),
            code=code,
            gpu_id=gpu_id,
            keep_models=keep_models,
            overwrite=overwrite,
        )
    msg.divider(f"F1 on {done.n_scored:,} documents")
    print_points(done.points, done.types_with_gold)
    say.good(f"Wrote {done.path} and {done.plot}")
    say.text(done.last_gain)


def parse_shares(text: str) -> list[float]:
    """Numbers parted by commas. RAISES ValueError: If something else is there."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--shares must be numbers parted by commas, such as {DEFAULT_SHARES}, got {text!r}."
        ) from None


def print_points(points: "list[CurvePoint]", with_gold: Container[str]) -> None:
    """Print F1, a column a share: of each type, micro and macro.

    with_gold (Container[str]): The types that have gold entities. The others have no F1.
    """
    summaries = [point.summary for point in points]
    labels = sorted(set().union(*(summary.per_type for summary in summaries)))
    lines = {
        label: [summary.per_type.get(label) for summary in summaries]
        for label in labels
        if label in with_gold
    }
    lines |= {"micro": [summary.micro for summary in summaries]}
    lines |= {"macro": [summary.macro for summary in summaries]}
    if any(summary.inner is not None for summary in summaries):
        lines |= {"outermost": [summary.outer for summary in summaries]}
        lines |= {"inside others": [summary.inner for summary in summaries]}
    rows = [
        ("Documents", *(f"{point.n_docs:,}" for point in points)),
        ("Entities", *(f"{point.n_entities:,.0f}" for point in points)),
    ]
    for name, scores in lines.items():
        rows.append((name, *("-" if its is None else plus_minus(its.f1) for its in scores)))
    header = ("Share", *(f"{point.share:g}" for point in points))
    msg.table(rows, header=header, divider=True, aligns=["l", *"r" * len(points)])
    if lacking := [label for label in labels if label not in with_gold]:
        print(f"Predicted, but without gold entities: {', '.join(lacking)}.\n")
