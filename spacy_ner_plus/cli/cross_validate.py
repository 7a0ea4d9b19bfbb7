"""`ner-plus cross-validate`: scores with their spread, from data that has no test part."""

from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._experiments import ConfigPath, DevShare, KeepModels, Output, Overwrite, Seed, plus_minus
from ._options import CodePath, GpuId, PredictedKey, SpansKey, config_overrides

if TYPE_CHECKING:
    from ..experiments.results import RunsSummary


def cross_validate_cli(
    ctx: typer.Context,
    config_path: ConfigPath,
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    output: Output,
    folds: Annotated[int, typer.Option(help="Number of folds")] = 5,
    seed: Seed = 0,
    dev_share: DevShare = 0.1,
    spans_key: SpansKey = None,
    predicted_key: PredictedKey = None,
    code: CodePath = None,
    gpu_id: GpuId = -1,
    keep_models: KeepModels = False,
    overwrite: Overwrite = False,
) -> None:
    """Cross-validate: train and score once for each fold, with mean and standard deviation.

    Each document is scored by a model that was trained without it. Documents are never split, and
    the folds are balanced by entity types. If it is interrupted, the same command goes on after the
    last fold that was finished. The config can be overridden as in spacy train:
    --training.max_steps 1000.
    """
    from .. import cross_validate

    with errors_as_messages():
        done = cross_validate(
            config_path,
            data,
            output,
            folds=folds,
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
    msg.divider(f"{folds} folds of {done.n_docs:,} documents")
    print_summary(done.summary, done.types_with_gold)
    say.good(f"Wrote {done.path}")


def print_summary(summary: "RunsSummary", with_gold: Container[str]) -> None:
    """Print means and standard deviations, a line a type, then micro and macro averages.

    with_gold (Container[str]): The types that have gold entities. The others have precision only.
    """
    named = [*summary.per_type.items(), ("micro", summary.micro), ("macro", summary.macro)]
    if summary.outer is not None and summary.inner is not None:
        named += [("outermost", summary.outer), ("inside others", summary.inner)]
    rows = [
        (name, plus_minus(its.precision), plus_minus(its.recall), plus_minus(its.f1))
        if name in with_gold or name not in summary.per_type
        else (name, plus_minus(its.precision), "no gold", "no gold")
        for name, its in named
    ]
    header = ("Type", "Precision", "Recall", "F1")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r"))
