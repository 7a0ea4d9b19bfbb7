"""Surface forms that are annotated in one way here and in another there: section `inconsistency`.

Ranked by how surprising the most surprising place is: see label_model.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..support.numbers import counted
from .audited import AuditedCorpus
from .judged_forms import STRONG, JudgedForm, JudgedPlace, judge_forms
from .occurrences import Occurrence


@dataclass(frozen=True)
class SuspectPlace:
    """A place whose annotation is surprising.

    place (Occurrence): It, with the label that it has.
    suggested (Optional[str]): The label that is most probable; null for no entity.
    surprise (float): -log2 of the probability of the label that it has.
    has_twin (bool): Whether the form has the suggested label between the same words elsewhere:
        nearly always one of the two is wrong.
    is_split (bool): Whether an entity of the same label is right beside it, in another sentence:
        perhaps they are one, which a sentence boundary in the wrong place cuts.
    """

    place: Occurrence
    suggested: str | None
    surprise: float
    has_twin: bool
    is_split: bool


@dataclass(frozen=True)
class InconsistentForm:
    """A surface form with surprising places.

    text (str): It.
    labels (Dict[str, int]): Places where it is an entity, by label.
    unlabelled (int): Places where no word of it is in an entity.
    inside (int): Places where it is a part of something longer. They say nothing about it.
    overlapping (int): Places where an entity has a part of it only: see `boundaries`.
    surprise (float): Of the most surprising place.
    is_ambiguous (bool): Whether it rightly has several labels besides: see `ambiguous`.
    suspects (List[SuspectPlace]): The surprising places, the most surprising first.
    usual (Optional[Occurrence]): A place with the label that is suggested for the first of them.
    """

    text: str
    labels: dict[str, int]
    unlabelled: int
    inside: int
    overlapping: int
    surprise: float
    is_ambiguous: bool
    suspects: list[SuspectPlace]
    usual: Occurrence | None


@dataclass(frozen=True)
class Inconsistencies:
    """The section.

    forms (int): Surface forms of entities.
    varying (int): Those with several labels, or unlabelled in some places.
    places (int): Surprising places of these.
    strong (int): Those with a surprise of 5 bits and more.
    twins (int): Those that stand between the same words as a place with the suggested label.
    found (List[InconsistentForm]): The forms that have them, the most surprising first.
    left_out (int): Entities with another label on the same characters: they are not looked at.
    """

    forms: int
    varying: int
    places: int
    strong: int
    twins: int
    found: list[InconsistentForm]
    left_out: int = 0

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        if not self.strong:
            return []
        strong = [its for its in self.found if its.surprise >= STRONG]
        first = ", ".join(repr(its.text) for its in strong[:3])
        return [
            "Labels that the other places of the form and the neighbouring words all but exclude: "
            f"in {counted(self.strong, 'place')} of {counted(len(strong), 'surface form')}, "
            f"{first} first. Most such are errors."
        ]


def find_inconsistency(corpus: AuditedCorpus) -> Inconsistencies:
    """Find the forms whose annotation varies, and the places where this is surprising."""
    judged = judge_forms(corpus)
    forms = ((its, its.suspects) for its in judged.varying)
    found = [_inconsistent(its, suspects) for its, suspects in forms if suspects]
    suspects = [one for its in found for one in its.suspects]
    return Inconsistencies(
        forms=judged.n_forms,
        varying=len(judged.varying),
        places=len(suspects),
        strong=sum(one.surprise >= STRONG for one in suspects),
        twins=sum(one.has_twin for one in suspects),
        found=sorted(found, key=lambda its: (-its.surprise, its.text)),
        left_out=judged.n_left_out,
    )


def _inconsistent(its: JudgedForm, suspects: list[JudgedPlace]) -> InconsistentForm:
    form, first = its.form, suspects[0]
    counts = form.counts
    return InconsistentForm(
        text=form.text,
        labels={label: n for label, n in counts.most_common() if label is not None},
        unlabelled=counts[None],
        inside=form.n_inside,
        overlapping=form.n_overlapping,
        surprise=round(first.surprise, 2),
        is_ambiguous=its.is_ambiguous,
        suspects=[
            SuspectPlace(
                one.place.occurrence(),
                one.expected,
                round(one.surprise, 2),
                has_twin=one.has_twin,
                is_split=one.place.is_split,
            )
            for one in suspects
        ],
        usual=next(_usual(its, first), None),
    )


def _usual(its: JudgedForm, suspect: JudgedPlace) -> Iterator[Occurrence]:
    """Places with the label that is expected of another, those between the same words first."""
    like_it = [one.place for one in its.places if one.place.label == suspect.expected]
    neighbours = suspect.place.neighbours
    for place in sorted(like_it, key=lambda place: place.neighbours != neighbours):
        yield place.occurrence()
