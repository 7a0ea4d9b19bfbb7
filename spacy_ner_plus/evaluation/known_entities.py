"""What the training data know of each entity text: its labels, and whether it is no entity, too."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..annotation.gold import annotated_labels
from ..annotation.surface_forms import UNLABELLED, SurfaceForms, find_places
from ..data.doc_files import find_files, read_file
from .documents import entities_of
from .label_choice import ALL, LabelChoice


@dataclass(frozen=True)
class KnownEntities:
    """The entity texts of training data.

    labels (Dict[str, Set[str]]): Of each text, its labels.
    unlabelled (Set[str]): Those whose tokens stand somewhere without any entity in them. Within
        something longer they say nothing, nor in a document that is not annotated for their labels.
    """

    labels: dict[str, set[str]]
    unlabelled: set[str]


def known_entities(
    train: Path, source: EntitySource = DOC_ENTS, choice: LabelChoice = ALL
) -> KnownEntities:
    """Look for the entity texts of training data in all of it.

    train (Path): .spacy file, or a folder of such files.
    source (EntitySource): Where its entities are.
    choice (LabelChoice): The labels are its new names, also of types that don't count.
    RAISES ValueError: If there is none.
    """
    labels: dict[str, set[str]] = {}
    forms = set()
    for doc in _docs(train):
        text = doc.text  # put together from the tokens each time
        for entity in entities_of(doc, source):
            surface = text[entity.start_char : entity.end_char]
            labels.setdefault(surface, set()).update(choice.names([entity.label]))
            forms.add(tuple(token.text for token in doc[entity.start : entity.end]))
    looked_for, unlabelled = SurfaceForms(forms), set()
    for doc in _docs(train):
        if not source.is_set(doc):
            continue
        annotated = annotated_labels(doc)
        judged = None if annotated is None else choice.names(annotated)
        entities = [(its.start, its.end, its.label) for its in entities_of(doc, source)]
        is_missing = source.missing(doc).tolist()
        words = [token.text for token in doc]
        for place in find_places(words, entities, is_missing, looked_for):
            if place.kind == UNLABELLED:
                surface = doc[place.start : place.end].text
                if judged is None or labels.get(surface, set()) <= judged:
                    unlabelled.add(surface)
    return KnownEntities(labels, unlabelled & labels.keys())


def _docs(train: Path) -> Iterator[Doc]:
    vocab = Vocab()
    for file in find_files(train):
        yield from read_file(file).get_docs(vocab)
