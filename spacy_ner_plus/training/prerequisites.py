"""What a training needs, looked at before anything is written, loaded or learned."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from spacy.attrs import ENT_TYPE
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import DocBin
from spacy.util import get_sourced_components, load_model_from_config, registry, resolve_dot_names
from spacy.vocab import Vocab
from thinc.api import Config

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..data.doc_files import read_files
from ..pages.telling import say
from ..pipeline.capabilities import (
    HasTaggerShim,
    LearnsNestedEntities,
    WritesNestedEntities,
    components,
)
from ..pipeline.entity_sources import source_of_component
from ..pipeline.preparing import check_pipeline_exists
from ..pipeline.scorer import prefix_of
from .load_config import named_errors

# Readers of .spacy files under `path`.
READERS = ("spacy.Corpus.v1", "spacy_ner_plus.Corpus.v1")
# Readers that have another one under `corpus`.
READERS_OF_READERS = ("spacy_ner_plus.CorpusWithTexts.v1",)

# What it means if a corpus has none.
WITHOUT_ENTITIES = {
    "train": " to learn",
    "dev": ", so no checkpoint scores higher than another, and model-best will be the last one",
}


def check_pipeline(config: Config, name: str) -> Language:
    """Make the pipeline of a training, without weights, and all else that its config names.

    config (Config): Not interpolated.
    name (str): What the config is called.
    RETURNS (Language): The pipeline.
    RAISES ValueError: If that is not possible, or nothing would be learned.
    """
    for one, block in config.get("components", {}).items():
        if "source" in block and "$" not in str(block["source"]):
            try:
                check_pipeline_exists(block["source"])
            except ValueError as error:
                raise ValueError(f"{name}: [components.{one}] source: {error}") from error
    with named_errors(name):
        nlp = load_model_from_config(_with_paths(config), auto_fill=True)
        full = nlp.config.interpolate()
        settings = registry.resolve(full["training"], schema=ConfigSchemaTraining)
        resolve_dot_names(full, [settings["train_corpus"], settings["dev_corpus"]])
    _check_components(nlp, settings, name)
    _check_score_weights(nlp, settings, name)
    return nlp


def _with_paths(config: Config) -> Config:
    """The config with a path for each corpus that is read from files.

    check_corpora looks at the real ones, which experiments give later.
    """
    config = config.copy()
    for block in map(innermost, config["corpora"].values()):
        if _reads_files(block):
            block["path"] = "."
    return config


def _check_components(nlp: Language, settings: dict[str, Any], name: str) -> None:
    frozen = settings["frozen_components"]
    for setting in ("frozen_components", "annotating_components"):
        unknown = [one for one in settings[setting] if one not in nlp.pipe_names]
        if unknown:
            raise ValueError(
                f"{name}: [training] {setting} names {unknown}, but the pipeline has "
                f"{nlp.pipe_names}."
            )
    able = [one for one, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)]
    if set(able) <= set(frozen):
        advice = (
            " What does not learn, such as rules, needs no training: spacy assemble makes the "
            "pipeline, and ner-plus evaluate scores it."
        )
        raise ValueError(
            f"{name}: nothing would be trained, as no component of the pipeline {nlp.pipe_names} "
            f"learns (frozen_components = {list(frozen)}). Name one in [nlp] pipeline, and take it "
            f"out of frozen_components.{advice if nlp.pipe_names and not able else ''}"
        )
    sourced = get_sourced_components(nlp.config.interpolate())
    for one in frozen:
        has_weights = isinstance(nlp.get_pipe(one), HasTaggerShim | LearnsNestedEntities)
        if has_weights and one not in sourced:
            raise ValueError(
                f"{name}: {one!r} is in frozen_components, so it would never have weights. Take it "
                f"from a trained pipeline with `source` in [components.{one}], or let it learn."
            )


def _check_score_weights(nlp: Language, settings: dict[str, Any], name: str) -> None:
    """RAISES ValueError: Scores of another group of doc.spans choose the checkpoint."""
    nested = [pipe for pipe in components(nlp) if isinstance(pipe, WritesNestedEntities)]
    written = {f"{prefix_of(source_of_component(pipe))}_f" for pipe in nested}
    weighed = {key for key, weight in settings["score_weights"].items() if weight}
    others = [key for key in weighed if key.startswith("spans_") and key.endswith("_f")]
    if nested and others and len(others) == len(weighed) and not written & weighed:
        one = nested[0]
        raise ValueError(
            f"{name}: [training.score_weights] has {', '.join(sorted(others))}, but {one.name!r} "
            f"writes to doc.spans[{one.nested_key!r}], so no checkpoint would score higher than "
            f"another. Weigh {min(written)} instead, or set spans_key in "
            f"[components.{one.name}]."
        )


def check_corpora(config: Config, nlp: Language, name: str) -> None:
    """Look at the .spacy files that a config names as its corpora.

    config (Config): Interpolated.
    nlp (Language): Its pipeline. If that finds entities, a corpus without any is told.
    name (str): What the config is called.
    RAISES ValueError: If one is not there, not in that format or has no documents.
    """
    for part in ("train", "dev"):
        dotted = config["training"].get(f"{part}_corpus", f"corpora.{part}")
        block = innermost(_block(config, dotted))
        if _reads_files(block):
            places = _places(nlp)
            has_entities = _look_at(block.get("path"), f"{name}: [{dotted}] path", places)
            if places and not has_entities:
                where = " or ".join(sorted(place.where for place in places))
                of_place = "" if places == {DOC_ENTS} else f" in {where}"
                say.warn(f"{block['path']} has no entities{of_place}{WITHOUT_ENTITIES[part]}")


def _places(nlp: Language) -> set[EntitySource]:
    """Where components that learn to find entities have annotated ones."""
    found: set[EntitySource] = set()
    for pipe in components(nlp):
        if isinstance(pipe, LearnsNestedEntities):
            found |= set(pipe.gold_sources.places)
        elif isinstance(pipe, HasTaggerShim):
            found |= {DOC_ENTS}
    return found


def _block(config: Config, dotted: str) -> Any:
    """What a config has under a dotted name; None for nothing."""
    block: Any = config
    for key in dotted.split("."):
        block = block.get(key) if isinstance(block, dict) else None
    return block


def innermost(block: Any) -> Any:
    """The block of the reader of annotated documents, in which others may be wrapped."""
    while isinstance(block, dict) and block.get("@readers") in READERS_OF_READERS:
        block = block.get("corpus")
    return block


def _reads_files(block: Any) -> bool:
    return isinstance(block, dict) and block.get("@readers") in READERS


def _look_at(path: str | None, setting: str, places: Collection[EntitySource]) -> bool:
    """Whether a corpus has entities at some place."""
    if not path:
        raise ValueError(
            f"{setting} = {path!r} must name a .spacy file, or a folder of such files, which "
            "`ner-plus convert` writes: set it there or on the command line."
        )
    try:
        found = [_has_entities(docs, places) for docs in read_files(Path(path))]  # to the last file
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from error
    return any(found)


def _has_entities(docs: DocBin, places: Collection[EntitySource]) -> bool:
    if DOC_ENTS in places and ENT_TYPE in docs.attrs:
        column = docs.attrs.index(ENT_TYPE)
        if any(tokens[:, column].any() for tokens in docs.tokens):
            return True
    groups = [place for place in places if place.may_nest]
    return bool(groups) and any(
        group.spans(doc) for doc in docs.get_docs(Vocab()) for group in groups
    )
