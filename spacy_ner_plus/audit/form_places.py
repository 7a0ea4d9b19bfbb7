"""All places of each surface form of a corpus, with the words on either side."""

from collections import Counter
from dataclasses import dataclass, field

from ..annotation.surface_forms import (
    ENTITY,
    INSIDE,
    OVERLAPPING,
    UNLABELLED,
    Form,
    FormPlace,
    SurfaceForms,
    find_places,
)
from .audited import AuditedCorpus, AuditedText
from .occurrences import Occurrence, occurrence
from .text_words import TextWords, corpus_words

# The casing class of the edge of a sentence: that of no token, in WORD_FORMS.
EDGE = 0


@dataclass(frozen=True, slots=True)
class AuditedPlace:
    """Where a form stands, as an entity or as none.

    text (AuditedText): Where it is.
    start, end (int): Its characters, end exclusive.
    label (Optional[str]): None for no entity.
    left, right (Optional[str]): The words on either side; None at an edge of the sentence.
    left_casing, right_casing (int): Their classes, indices into WORD_FORMS.
    is_split (bool): Whether an entity of the same label is right beside it, in another sentence.
    """

    text: AuditedText
    start: int
    end: int
    label: str | None
    left: str | None
    right: str | None
    left_casing: int
    right_casing: int
    is_split: bool

    @property
    def neighbours(self) -> tuple[str | None, str | None]:
        """The words on either side."""
        return self.left, self.right

    @property
    def document(self) -> tuple[str, int]:
        """What tells the text from others."""
        return self.text.part, self.text.number

    def occurrence(self) -> Occurrence:
        """It in its context."""
        return occurrence(self.text, self.start, self.end, self.label)


@dataclass(slots=True)
class FormPlaces:
    """A surface form and its places.

    form (Form): Its words.
    casing (Tuple[int, int]): The classes of its first and last word, indices into WORD_FORMS.
    places (List[AuditedPlace]): Where it is an entity, or unlabelled, in the order of the corpus.
    n_inside (int): How often it is a part of something longer.
    n_overlapping (int): How often an entity has a part of it only.
    n_several (int): How often it is an entity with another label on the same words: such are no
        places, for the model of these expects one label in each.
    """

    form: Form
    casing: tuple[int, int] = (EDGE, EDGE)
    places: list[AuditedPlace] = field(default_factory=list)
    n_inside: int = 0
    n_overlapping: int = 0
    n_several: int = 0

    @property
    def text(self) -> str:
        """The form as it stands where it is an entity first."""
        first = next((one for one in self.places if one.label is not None), self.places[0])
        return first.text.record.text[first.start : first.end]

    @property
    def counts(self) -> Counter[str | None]:
        """Its places by label; None for no entity."""
        return Counter(place.label for place in self.places)


def places_of_forms(corpus: AuditedCorpus) -> list[FormPlaces]:
    """All surface forms of entities, in the order in which they turn up."""
    texts = list(corpus_words(corpus))
    forms = SurfaceForms(its.form(start, end) for its in texts for start, end, _ in its.entities)
    found: dict[Form, FormPlaces] = {}
    for its in texts:
        split = its.split_entities()
        several = _with_several_labels(its)
        for place in find_places(its.words, its.entities, its.is_missing, forms):
            form = its.form(place.start, place.end)
            of_form = found.setdefault(form, FormPlaces(form))
            if (place.start, place.end) in several:
                of_form.n_several += 1
            elif place.kind in (ENTITY, UNLABELLED):
                of_form.casing = its.casing[place.start], its.casing[place.end - 1]
                of_form.places.append(_place(its, place, split))
            of_form.n_inside += place.kind == INSIDE
            of_form.n_overlapping += place.kind == OVERLAPPING
    return list(found.values())


def _with_several_labels(its: TextWords) -> set[tuple[int, int]]:
    """The words of entities that have another label on the same words."""
    n_labels = Counter((start, end) for start, end, _ in its.entities)
    return {place for place, n in n_labels.items() if n > 1}


def _place(its: TextWords, place: FormPlace, split: set[tuple[int, int]]) -> AuditedPlace:
    left, right = its.left(place.start), its.right(place.end)
    return AuditedPlace(
        its.text,
        its.starts[place.start],
        its.ends[place.end - 1],
        place.label,
        left=None if left is None else its.words[left],
        right=None if right is None else its.words[right],
        left_casing=EDGE if left is None else its.casing[left],
        right_casing=EDGE if right is None else its.casing[right],
        is_split=(place.start, place.end) in split,
    )
