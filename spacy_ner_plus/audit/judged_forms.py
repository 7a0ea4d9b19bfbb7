"""Surface forms whose places differ, each place with how surprising its label is."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from .audited import AuditedCorpus
from .form_places import AuditedPlace, FormPlaces, places_of_forms
from .label_model import LabelModel

# So many places a label needs at least to be a sense of the form, and not a slip.
LEAST_PLACES = 3
# In so many of these the neighbours must tell it.
LEAST_TOLD = 2 / 3
# A surprise of so many bits is what one place in 32 has if the model is right.
STRONG = 5.0


@dataclass(frozen=True, slots=True)
class JudgedPlace:
    """A place of a form.

    place (AuditedPlace): It.
    probability (float): Of the label that it has, from all other places.
    expected (Optional[str]): The label that is most probable; None for no entity.
    expected_probability (float): Of that label.
    has_twin (bool): Whether the form has the expected label elsewhere between the same words.
    fits_neighbours (bool): Whether its label is the most probable one also if it does not count
        more what the rest of the document has. For who annotates a document without entities of a
        kind is consistent too.
    """

    place: AuditedPlace
    probability: float
    expected: str | None
    expected_probability: float
    has_twin: bool
    fits_neighbours: bool

    @property
    def surprise(self) -> float:
        """In bits: 0 for what is certain, one more for each time that it is half as probable."""
        return -log2(self.probability)

    @property
    def is_suspect(self) -> bool:
        """Whether another label is more than twice as probable: by more than a bit."""
        return self.expected_probability > 2 * self.probability


@dataclass(frozen=True)
class JudgedForm:
    """A form that is annotated in some places and not in others, or with different labels.

    form (FormPlaces): It.
    places (List[JudgedPlace]): All its places, in the order of the corpus.
    """

    form: FormPlaces
    places: list[JudgedPlace]

    @property
    def predicted(self) -> Counter[str | None]:
        """By label, the places whose neighbours tell it from the others."""
        return Counter(one.place.label for one in self.places if one.fits_neighbours)

    @property
    def senses(self) -> list[str | None]:
        """The labels that the form has rightly, as far as counts can tell.

        Each is there several times, and in two thirds of these places the neighbouring words tell
        it from the others.
        """
        predicted = self.predicted
        return [
            label
            for label, n in self.form.counts.most_common()
            if n >= LEAST_PLACES and predicted[label] >= LEAST_TOLD * n
        ]

    @property
    def is_ambiguous(self) -> bool:
        """Whether it rightly has several labels, or is rightly an entity and none."""
        return len(self.senses) > 1

    @property
    def suspects(self) -> list[JudgedPlace]:
        """The places whose label is not the expected one by far, the most surprising first.

        Of a sense of an ambiguous form only those that are very surprising, or stand between the
        same words as a place with the expected label.
        """
        senses = self.senses if self.is_ambiguous else []
        found = [
            one
            for one in self.places
            if one.is_suspect
            and (one.place.label not in senses or one.has_twin or one.surprise >= STRONG)
        ]
        return sorted(found, key=lambda one: one.probability)


@dataclass(frozen=True)
class JudgedForms:
    """What the model says of a corpus.

    n_forms (int): Surface forms of entities.
    varying (List[JudgedForm]): Those whose places differ.
    n_left_out (int): Entities with another label on the same words, which are no places of them.
    """

    n_forms: int
    varying: list[JudgedForm]
    n_left_out: int = 0


def judge_forms(corpus: AuditedCorpus) -> JudgedForms:
    """Judge all places of the forms that vary. See label_model."""
    forms = places_of_forms(corpus)
    varying = [its for its in forms if len(its.counts) > 1]
    model = LabelModel(forms)
    return JudgedForms(
        len(forms), [_judge(its, model) for its in varying], sum(its.n_several for its in forms)
    )


def _judge(its: FormPlaces, model: LabelModel) -> JudgedForm:
    labels = model.labels
    between = defaultdict(set)
    for place in its.places:
        between[place.neighbours].add(place.label)
    without_documents = model.probabilities(its, with_documents=False)
    judged = []
    for place, probabilities, bare in zip(
        its.places, model.probabilities(its), without_documents, strict=True
    ):
        own = labels.index(place.label)
        best = _highest(probabilities, own)
        is_known = place.neighbours != (None, None)
        judged.append(
            JudgedPlace(
                place,
                probability=probabilities[own],
                expected=labels[best],
                expected_probability=probabilities[best],
                has_twin=best != own and is_known and labels[best] in between[place.neighbours],
                fits_neighbours=_highest(bare, own) == own,
            )
        )
    return JudgedForm(its, judged)


def _highest(probabilities: Sequence[float], own: int) -> int:
    """What is most probable; of several the own one."""
    return max(range(len(probabilities)), key=lambda i: (probabilities[i], i == own))
