"""`ner-plus cross-validate`: scores with their spread, from data that has no test part."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from spacy import util
from spacy.cli._util import import_code, parse_config_overrides, setup_gpu, show_validation_error
from wasabi import msg

from spacy_ner_plus.cli._errors import errors_as_messages
from spacy_ner_plus.cli._options import CodePath, GpuId
from spacy_ner_plus.resuming import file_digest

if TYPE_CHECKING:
    from thinc.api import Config


def cross_validate_cli(
    ctx: typer.Context,
    config_path: Annotated[Path, typer.Argument(help="Path to config file", exists=True)],
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for folds and results")],
    folds: Annotated[int, typer.Option(help="Number of folds")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the division into folds")] = 0,
    dev_share: Annotated[
        float,
        typer.Option(
            help="How much of the documents to train with is set aside to choose the checkpoint by"
        ),
    ] = 0.1,
    code: CodePath = None,
    gpu_id: GpuId = -1,
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Keep the models and the data of each fold, which take space"
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew, whatever is in the output folder")
    ] = False,
) -> None:
    """Cross-validate: train and score once for each fold, with mean and standard deviation.

    Each document is scored by a model that was trained without it. Documents are never split, and
    the folds are balanced by entity types. If it is interrupted, the same command goes on after the
    last fold that was finished. The config can be overridden as in spacy train:
    --training.max_steps 1000.
    """
    from spacy_ner_plus.experiments.corpus import read_corpus
    from spacy_ner_plus.experiments.cross_validation import describe_folds, plan_cross_validation
    from spacy_ner_plus.experiments.runs import Experiment
    from spacy_ner_plus.experiments.summary import summarise
    from spacy_ner_plus.experiments.trial import carry_out, remove_models

    config = read_config(config_path, ctx.args, code)
    with errors_as_messages():
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

    setup_gpu(gpu_id)
    work = partial(carry_out, config=config, corpus=corpus, gpu_id=gpu_id)
    if not keep_models:
        msg.info("Models are removed when they are scored: --keep-models keeps them")
    clean_up = (lambda folder: None) if keep_models else remove_models
    with errors_as_messages(), show_validation_error(config_path, hint_fill=False):
        scores = experiment.carry_out(work, clean_up, describe_scores)
    summary = summarise(scores)
    msg.divider(f"{folds} folds of {len(corpus):,} documents")
    print_summary(summary)
    path = experiment.write_results(folds=describe_folds(plan, corpus, scores), summary=summary)
    msg.good(f"Wrote {path}")


def read_config(config_path: Path, arguments: list[str], code: Path | None) -> "Config":
    """The config, not interpolated, with the command's further arguments as overrides."""
    overrides = parse_config_overrides(arguments)
    import_code(code)
    with show_validation_error(config_path):
        config = util.load_config(config_path, overrides=overrides, interpolate=False)
        config.interpolate()
    return config


def code_settings(code: Path | None) -> dict[str, Any]:
    """What the outcome depends on besides config and data."""
    return {"code_sha256": file_digest(code)} if code is not None else {}


def warn_of_rare_labels(labels: dict[str, int], purpose: str) -> None:
    """Name labels that too few documents have."""
    for label, n_docs in labels.items():
        msg.warn(
            f"{label} occurs in {n_docs} document{'s' if n_docs > 1 else ''} only, too few "
            f"{purpose}: its scores mean little"
        )


def describe_scores(scores: dict[str, Any]) -> str:
    """The scores of a run in a line."""
    micro = scores["micro"]
    return (
        f"P {100 * micro['precision']:.2f}, R {100 * micro['recall']:.2f}, "
        f"F1 {100 * micro['f1']:.2f}, macro F1 {100 * scores['macro']['f1']:.2f}"
    )


def print_summary(summary: dict[str, Any]) -> None:
    """Print means and standard deviations, a line a type, then micro and macro averages."""
    named = [*summary["per_type"].items(), ("micro", summary["micro"]), ("macro", summary["macro"])]
    rows = [
        (name, *(plus_minus(scores[key]) for key in ("precision", "recall", "f1")))
        for name, scores in named
    ]
    header = ("Type", "Precision", "Recall", "F1")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r"))


def plus_minus(value: dict[str, Any]) -> str:
    """Mean and standard deviation in percent."""
    mean = f"{100 * value['mean']:.2f}"
    return mean if value["sd"] is None else f"{mean} ± {100 * value['sd']:.2f}"
