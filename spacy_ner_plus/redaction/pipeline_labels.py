"""The types of entities that a pipeline may find: a misspelt one would leave all of it visible."""

from collections.abc import Iterable, Mapping

from spacy.language import Language

from .redactor import Redactor


def labels_of_pipeline(nlp: Language) -> frozenset[str]:
    """The types of all components that say that they write entities."""
    return frozenset(
        label
        for name, component in nlp.pipeline
        if _writes_entities(nlp, name)
        for label in getattr(component, "labels", ())
    )


def check_labels_are_found(nlp: Language, redactor: Redactor) -> list[str]:
    """Look whether a pipeline finds the types that are to be taken out, or have thresholds.

    RETURNS (List[str]): Types of which nobody says it, where that may be because a component does
        not say what it writes.
    RAISES ValueError: The same, where all components do.
    """
    named: set[str] = set(redactor.labels or ())
    if isinstance(redactor.threshold, Mapping):
        named |= set(redactor.threshold)
    known = labels_of_pipeline(nlp)
    unknown = sorted(named - known)
    if unknown and all(_says_all(nlp, name) for name in nlp.pipe_names):
        raise ValueError(
            f"The pipeline finds no {_listed(unknown)}, so that nothing of it would be taken out: "
            f"its types are {_listed(sorted(known)) or 'none'}."
        )
    return unknown


def _writes_entities(nlp: Language, name: str) -> bool:
    places: Iterable[str] = nlp.get_pipe_meta(name).assigns
    return any(place == "doc.ents" or place.startswith("doc.spans") for place in places)


def _says_all(nlp: Language, name: str) -> bool:
    """Whether a component says what it writes, and of entities, of which types."""
    if not nlp.get_pipe_meta(name).assigns:
        return False
    return not _writes_entities(nlp, name) or hasattr(nlp.get_pipe(name), "labels")


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, labels))
