"""Surface forms that rightly carry several labels, such as Ford the company and the president.

They are told from inconsistent ones by what a model of their places predicts: see label_model. A
label is a sense of a form if it stands there at least 3 times, and in two thirds of these places is
what the neighbouring words and the other places say. Forms with several senses are ambiguous.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .audited import AuditedCorpus
from .judged_forms import JudgedForm, judge_forms
from .occurrences import Occurrence


@dataclass(frozen=True)
class Sense:
    """A label that a form has rightly.

    label (Optional[str]): It; null for no entity.
    places (int): How many have it.
    predicted (int): Those of them where it is what their context says.
    example (Occurrence): One of these, the surest.
    """

    label: str | None
    places: int
    predicted: int
    example: Occurrence


@dataclass(frozen=True)
class AmbiguousForm:
    """A form with several senses.

    text (str): It.
    places (int): How many it has, also with other labels.
    predicted (int): Those of them where the label is what the context says.
    senses (List[Sense]): The most frequent first.
    """

    text: str
    places: int
    predicted: int
    senses: list[Sense]


@dataclass(frozen=True)
class AmbiguousForms:
    """The section.

    forms (int): Surface forms of entities.
    varying (int): Those with several labels, or unlabelled in some places.
    several_labels (int): Ambiguous ones with at least two labels.
    also_unlabelled (int): Ambiguous ones that are rightly no entity in some places.
    found (List[AmbiguousForm]): The ambiguous ones, those with most places first.
    left_out (int): Entities with another label on the same characters: they are not looked at.
    """

    forms: int
    varying: int
    several_labels: int
    also_unlabelled: int
    found: list[AmbiguousForm]
    left_out: int = 0

    @property
    def warnings(self) -> list[str]:
        """Nothing is wrong with them."""
        return []


def find_ambiguous(corpus: AuditedCorpus) -> AmbiguousForms:
    """Find the forms that have several labels rightly."""
    judged = judge_forms(corpus)
    found = [_ambiguous(its) for its in judged.varying if its.is_ambiguous]
    senses = [[sense.label for sense in its.senses] for its in found]
    return AmbiguousForms(
        forms=judged.n_forms,
        varying=len(judged.varying),
        several_labels=_count(sum(label is not None for label in its) > 1 for its in senses),
        also_unlabelled=_count(None in its for its in senses),
        found=sorted(found, key=lambda its: (-its.places, its.text)),
        left_out=judged.n_left_out,
    )


def _ambiguous(its: JudgedForm) -> AmbiguousForm:
    counts, predicted = its.form.counts, its.predicted
    senses = []
    for label in its.senses:
        of_label = [one for one in its.places if one.place.label == label]
        surest = max(of_label, key=lambda one: one.probability)
        example = surest.place.occurrence()
        senses.append(Sense(label, counts[label], predicted[label], example))
    return AmbiguousForm(its.form.text, counts.total(), predicted.total(), senses)


def _count(these: Iterable[bool]) -> int:
    return sum(these)
