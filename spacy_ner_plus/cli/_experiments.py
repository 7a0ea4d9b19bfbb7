"""What the commands share that train a config several times."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from spacy import util
from spacy.cli._util import import_code, parse_config_overrides, show_validation_error
from wasabi import msg

from ..support.digests import file_digest
from ._errors import errors_as_messages
from ._options import use_gpu

if TYPE_CHECKING:
    from thinc.api import Config

    from ..data.splitting.annotated_corpus import AnnotatedCorpus
    from ..experiments.runs import Experiment

ConfigPath = Annotated[Path, typer.Argument(help="Path to config file", exists=True)]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for runs and results")]
Seed = Annotated[int, typer.Option(help="Seed of the choice of documents")]
DevShare = Annotated[
    float,
    typer.Option(
        help="How much of the documents to train with is set aside to choose the checkpoint by"
    ),
]
KeepModels = Annotated[
    bool,
    typer.Option("--keep-models", help="Keep models and data of the runs, which take space"),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Begin anew, and remove the runs that are there")
]


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


def carry_out_runs(
    experiment: "Experiment",
    config: "Config",
    config_path: Path,
    corpus: "AnnotatedCorpus",
    *,
    test: Path | None = None,
    gpu_id: int,
    keep_models: bool,
) -> list[dict[str, Any]]:
    """Do the runs that are not done yet, errors as messages.

    test (Optional[Path]): The documents to score, if they are not of the corpus.
    RETURNS (List[Dict[str, Any]]): The scores of all runs.
    """
    from ..experiments.trial import carry_out, remove_models

    if not keep_models:
        msg.info("Models are removed when they are scored: --keep-models keeps them")
    work = partial(carry_out, config=config, corpus=corpus, test=test, gpu_id=gpu_id)
    clean_up = (lambda folder: None) if keep_models else remove_models
    with errors_as_messages(), show_validation_error(config_path, hint_fill=False):
        use_gpu(gpu_id)
        return experiment.carry_out(work, clean_up, describe_scores)


def describe_scores(scores: dict[str, Any]) -> str:
    """The scores of a run in a line."""
    micro = scores["micro"]
    return (
        f"P {100 * micro['precision']:.2f}, R {100 * micro['recall']:.2f}, "
        f"F1 {100 * micro['f1']:.2f}, macro F1 {100 * scores['macro']['f1']:.2f}"
    )


def plus_minus(value: dict[str, Any]) -> str:
    """Mean and standard deviation in percent."""
    mean = f"{100 * value['mean']:.2f}"
    return mean if value["sd"] is None else f"{mean} ± {100 * value['sd']:.2f}"
