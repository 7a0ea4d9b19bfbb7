"""`ner-plus cross-validate`: scores with their spread, from data that has no test part."""

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
    from ..data.splitting.annotated_corpus import read_corpus
    from ..experiments.cross_validation import describe_folds, plan_cross_validation
    from ..experiments.runs import Experiment
    from ..experiments.summary import summarise

    with errors_as_messages():
        config = read_config(config_path, ctx.args, code)
        corpus = read_corpus(data)
        plan = plan_cross_validation(
            config.interpolate(),
            corpus,
            folds=folds,
            dev_share=dev_share,
            seed=seed,
            further_settings=code_settings(code),
        )
        warn_of_rare_labels(corpus.rare_labels(folds), f"for {folds} folds")
        experiment = Experiment(output, plan, overwrite=overwrite)

    scores = carry_out_runs(
        experiment, config, config_path, corpus, gpu_id=gpu_id, keep_models=keep_models
    )
    summary = summarise(scores)
    msg.divider(f"{folds} folds of {len(corpus):,} documents")
    print_summary(summary)
    path = experiment.write_results(folds=describe_folds(plan, corpus, scores), summary=summary)
    msg.good(f"Wrote {path}")


def print_summary(summary: "RunsSummary") -> None:
    """Print means and standard deviations, a line a type, then micro and macro averages."""
    named = [*summary.per_type.items(), ("micro", summary.micro), ("macro", summary.macro)]
    rows = [
        (name, plus_minus(its.precision), plus_minus(its.recall), plus_minus(its.f1))
        for name, its in named
    ]
    header = ("Type", "Precision", "Recall", "F1")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r"))
