"""What experiments have in common between a plan and its results."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config

from ..annotation.entity_source import FLAT, EntitySource, EntitySources
from ..data.splitting.annotated_corpus import AnnotatedCorpus
from ..pages.telling import say
from ..pipeline.preparing import import_user_code, use_gpu
from ..support.digests import content_digest, file_digest
from ..support.output_folder import check_output_folder
from ..training.load_config import load_config, name_of
from ..training.prerequisites import check_pipeline
from .results import RunScores
from .runs import Experiment
from .trial import carry_out, corpus_names, remove_models

# What settings of components, and of their initialization, are called that name files or folders.
PATH_SETTINGS = (
    "clusters",
    "exceptions",
    "init_tok2vec",
    "labels",
    "name",
    "path",
    "rules",
    "source",
    "vectors",
    "vocab_data",
)


def usable_config(
    config: str | Path | Config,
    overrides: Mapping[str, Any] | None,
    *,
    output: Path,
    code: Path | None,
    gpu_id: int,
) -> tuple[Config, Language]:
    """A config, not interpolated, of which all is known to be there that can be known.

    overrides (Mapping[str, Any]): Values by their dotted names.
    output (Path): The folder for what comes of it.
    code (Path): A Python file with registered functions to import.
    gpu_id (int): GPU for components that need CuPy, or -1.
    RETURNS (Tuple[Config, Language]): The config, and its pipeline without weights.
    RAISES ValueError: If something is missing or can't be.
    """
    check_output_folder(output)
    use_gpu(gpu_id, silent=gpu_id < 0)
    import_user_code(code)
    loaded = load_config(config, overrides)
    corpus_names(loaded.interpolate())
    return loaded, check_pipeline(loaded, name_of(config))


def content_settings(config: Config, code: Path | None) -> dict[str, Any]:
    """What the outcome depends on besides the settings and the data: what is in files.

    config (Config): The interpolated config. Of its files and folders, such as rules, word vectors
        or an encoder, each setting's has the SHA-256.
    code (Path): See usable_config.
    """
    found = {"code_sha256": file_digest(code)} if code is not None else {}
    for section in ("components", "initialize"):
        for name, path in _paths_in(config.get(section, {}), section):
            found[f"{name} (SHA-256)"] = content_digest(path)
    return found


def _paths_in(value: Any, name: str, key: str = "") -> Iterator[tuple[str, Path]]:
    """The files and folders that settings name, with the dotted names of these.

    key (str): The last part of the name that is no position in a list.
    """
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _paths_in(inner, f"{name}.{inner_key}", inner_key)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _paths_in(inner, f"{name}.{i}", key)
    elif isinstance(value, str) and key in PATH_SETTINGS and Path(value).exists():
        yield name, Path(value)


def source_settings(sources: EntitySources) -> dict[str, Any]:
    """What the outcome depends on where entities are not in doc.ents."""
    if sources == FLAT:
        return {}
    return {"gold": sources.gold.where, "predicted": sources.predicted.where}


def warn_of_rare_labels(labels: Mapping[str, int], purpose: str) -> None:
    """Name labels that too few documents have."""
    for label, n_docs in labels.items():
        say.warn(
            f"{label} occurs in {n_docs} document{'s' if n_docs > 1 else ''} only, too few "
            f"{purpose}: its scores mean little"
        )


def carry_out_runs(
    experiment: Experiment,
    config: Config,
    corpus: AnnotatedCorpus,
    *,
    test: Path | None = None,
    predicted: EntitySource | None = None,
    gpu_id: int,
    keep_models: bool,
) -> list[RunScores]:
    """Do the runs that are not done yet.

    test (Path): The documents to score, if they are not of the corpus.
    predicted (EntitySource): See trial.carry_out.
    RETURNS (List[RunScores]): The scores of all runs.
    """
    if not keep_models:
        say.info("Models are removed when they are scored: --keep-models keeps them")
    work = partial(
        carry_out, config=config, corpus=corpus, test=test, gpu_id=gpu_id, predicted=predicted
    )
    clean_up = (lambda folder: None) if keep_models else remove_models
    return experiment.carry_out(work, clean_up, describe_scores)


def describe_scores(scores: RunScores) -> str:
    """The scores of a run in a line."""
    micro = scores.micro
    inner = "" if scores.inner is None else f", inside others F1 {100 * scores.inner.f1:.2f}"
    return (
        f"P {100 * micro.precision:.2f}, R {100 * micro.recall:.2f}, "
        f"F1 {100 * micro.f1:.2f}, macro F1 {100 * scores.macro.f1:.2f}{inner}"
    )
