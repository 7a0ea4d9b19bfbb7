"""Which entities of dev and test are known from train, by their text: the section `overlap`.

A score on entities that training data have says little about new ones (Augenstein et al. 2017,
https://doi.org/10.1016/j.csl.2017.01.012): where most are known, a list of names would do.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .audited import AuditedCorpus, AuditedPart

SAME, OTHER, UNSEEN = "same label", "another label only", "unseen"
KINDS = (SAME, OTHER, UNSEEN)
MOST_FORMS = 20
# From which on somebody should know of it.
MOSTLY_SEEN, OFTEN_OTHER = 0.8, 0.05
LEAST_ENTITIES = 50


@dataclass(frozen=True)
class SeenCounts:
    """Entities by whether train has their text as an entity, too.

    same (int): With the same label.
    other (int): With another label only.
    unseen (int): Not at all.
    """

    same: int
    other: int
    unseen: int

    @property
    def entities(self) -> int:
        """All of them."""
        return self.same + self.other + self.unseen

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of the three among all; of none at all, 0."""
        total = self.entities or 1
        return self.same / total, self.other / total, self.unseen / total


@dataclass(frozen=True)
class SeenForm:
    """An entity text of a part.

    text (str): The first form of it, with a blank for any white space.
    label (str): Its label there.
    count (int): How often the part has it.
    train (Dict[str, int]): How often train has it, by label.
    """

    text: str
    label: str
    count: int
    train: dict[str, int]


@dataclass(frozen=True)
class PartOverlap:
    """A part against train.

    all (SeenCounts): Its entities.
    labels (Dict[str, SeenCounts]): By label, the most frequent first.
    different (SeenCounts): Its different pairs of text and label.
    forms (Dict[str, List[SeenForm]]): The most frequent of these by kind: `same label`, `another
        label only`, `unseen`.
    """

    all: SeenCounts
    labels: dict[str, SeenCounts]
    different: SeenCounts
    forms: dict[str, list[SeenForm]]


@dataclass(frozen=True)
class Overlap:
    """The section.

    parts (Dict[str, PartOverlap]): dev and test, as far as they are given.
    """

    parts: dict[str, PartOverlap]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        for name, part in self.parts.items():
            same, other, _ = part.all.shares
            if part.all.entities < LEAST_ENTITIES:
                continue
            if same >= MOSTLY_SEEN:
                yield (
                    f"{100 * same:.0f} % of the entities of {name} are in train, too, with the "
                    "same label: a score on them says little about new ones. `evaluate --train` "
                    "tells these apart."
                )
            if other >= OFTEN_OTHER:
                yield (
                    f"{100 * other:.0f} % of the entities of {name} are in train with another "
                    "label only: look whether both were annotated by the same rules."
                )


def find_overlap(corpus: AuditedCorpus) -> Overlap:
    """Look up the entities of dev and test in train."""
    known: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, label in _forms(corpus.parts["train"]):
        known[text][label] += 1
    others = {name: part for name, part in corpus.parts.items() if name != "train"}
    return Overlap({name: _overlap(_forms(part), known) for name, part in others.items()})


def _forms(part: AuditedPart) -> Iterator[tuple[str, str]]:
    """The text and label of each entity."""
    for text in part.annotated:
        for span in text.spans:
            yield " ".join(span.text.split()), span.label_


def _kind(text: str, label: str, known: Mapping[str, Counter[str]]) -> str:
    labels = known.get(text)
    if labels is None:
        return UNSEEN
    return SAME if label in labels else OTHER


def _overlap(forms: Iterable[tuple[str, str]], known: Mapping[str, Counter[str]]) -> PartOverlap:
    counts = Counter(forms)
    kinds = {form: _kind(*form, known) for form in counts}
    labels = Counter(label for _, label in counts.elements())
    return PartOverlap(
        all=_seen(counts, kinds),
        labels={
            label: _seen({form: n for form, n in counts.items() if form[1] == label}, kinds)
            for label, _ in sorted(labels.items(), key=lambda item: (-item[1], item[0]))
        },
        different=_seen(dict.fromkeys(counts, 1), kinds),
        forms={
            kind: [
                SeenForm(text, label, n, dict(known.get(text, Counter()).most_common()))
                for (text, label), n in counts.most_common()
                if kinds[text, label] == kind
            ][:MOST_FORMS]
            for kind in KINDS
        },
    )


def _seen(
    counts: Mapping[tuple[str, str], int], kinds: Mapping[tuple[str, str], str]
) -> SeenCounts:
    by_kind: Counter[str] = Counter()
    for form, n in counts.items():
        by_kind[kinds[form]] += n
    return SeenCounts(*(by_kind[kind] for kind in KINDS))
