"""Where the entities of a pipeline are, and the gold ones to compare them with."""

from spacy.language import Language

from ..annotation.entity_source import DOC_ENTS, ENTS, EntitySource, EntitySources
from .capabilities import LearnsNestedEntities, WritesNestedEntities, components


def source_of(nlp: Language | None, name: str | None = None) -> EntitySource:
    """Where the entities of a pipeline are.

    nlp (Language): Where one of its components writes nested entities, they are in its group of
        doc.spans; else in doc.ents. None for predictions that were read.
    name (str): The key of doc.spans, or "doc.ents", where a user says it; None for what the
        pipeline says.
    RAISES ValueError: Several components write nested entities to different keys, and nobody says
        which are meant.
    """
    if name is not None:
        return EntitySource.named(name)
    found = [] if nlp is None else components(nlp)
    keys = {c.nested_key: c.name for c in found if isinstance(c, WritesNestedEntities)}
    if len(keys) > 1:
        written = " and ".join(f"'{name}' to doc.spans[{key!r}]" for key, name in keys.items())
        raise ValueError(
            f"Several components write entities that may nest: {written}. Say which are meant with "
            f"--spans-key: one of these keys, or {ENTS}."
        )
    return EntitySource(next(iter(keys))) if keys else DOC_ENTS


def sources_of(
    nlp: Language | None, gold: str | None = None, predicted: str | None = None
) -> EntitySources:
    """Where gold entities are, and where those of a pipeline are.

    nlp (Language): See source_of.
    gold (str): Where a user says that both are, but for what `predicted` says; None for what the
        pipeline says. Gold ones are where it learns them: in doc.ents, too, if it does so.
    predicted (str): Where a user says that the pipeline's are; None for the same place.
    RAISES ValueError: See source_of.
    """
    annotated = source_of(nlp, gold)
    return EntitySources(
        gold=annotated if gold is not None or nlp is None else _as_learned(nlp, annotated),
        predicted=source_of(nlp, gold if predicted is None else predicted),
    )


def _as_learned(nlp: Language, source: EntitySource) -> EntitySource:
    """Where annotated entities are learned by who writes to a place, and so are compared with."""
    return next(
        (
            pipe.gold_sources.as_source
            for pipe in components(nlp)
            if isinstance(pipe, LearnsNestedEntities) and source_of_component(pipe) == source
        ),
        source,
    )


def source_of_component(component: object) -> EntitySource:
    """Where a component that finds entities writes all of them, and where its gold ones are."""
    if isinstance(component, WritesNestedEntities):
        return EntitySource(component.nested_key)
    return DOC_ENTS


def gives(component: object, source: EntitySource) -> bool:
    """Whether the entities at a place may be those of a component that finds entities."""
    if source_of_component(component).may_nest:
        return source_of_component(component) == source
    return source.spans_key in (None, getattr(component, "spans_key", None))
