"""Neighbouring words that nearly always go with a label, and where they do not.

After "Mr." a capitalised word nearly always begins a person; where none begins, annotation may be
missing. A cue is a word on one side of words of one casing, so that "Mr." before "Smith" and before
"speaker" are two. How much it says is the log-likelihood ratio of Dunning, "Accurate Methods for
the Statistics of Surprise and Coincidence" (Computational Linguistics 19(1), 1993), against words
of that casing beside any other word.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import log, log2

from ..text.word_forms import WORD_FORMS
from .audited import AuditedCorpus
from .occurrences import Occurrence, occurrence
from .text_words import TextWords, corpus_words

LEFT, RIGHT = "left", "right"
# Fewer places say little, and so do cues that fail more often.
LEAST_PLACES = 10
LEAST_SHARE = 0.9
# The chance of a larger ratio without any dependence is 1 in 1,000 (chi-squared, 1 degree).
LEAST_RATIO = 10.83
MOST_PLACES = 20
# Bits from which an exception is nearly always an error.
STRONG = 5.0

CueKey = tuple[str, str, int]
"""Side of the cue, its spelling, casing class of the word beside it."""


@dataclass(frozen=True)
class Cue:
    """A word beside which nearly always an entity of one label is.

    word (str): It.
    side (str): Where it is, from the entity: "left" or "right".
    casing (str): The casing of the word beside it, of WORD_FORMS in text/word_forms.py.
    label (str): Of the entities.
    places (int): How often a word of that casing is beside it, not both within one entity.
    with_label (int): How often an entity of the label is.
    unlabelled (int): How often that word is in no entity.
    ratio (float): Its log-likelihood ratio, at least 10.83.
    surprise (Optional[float]): Of an exception, in bits: -log2 of their share; null without any.
    exceptions (List[Occurrence]): Words beside it that don't have the label: 20 of them at most,
        those that are in no entity first.
    """

    word: str
    side: str
    casing: str
    label: str
    places: int
    with_label: int
    unlabelled: int
    ratio: float
    surprise: float | None
    exceptions: list[Occurrence]


@dataclass(frozen=True)
class Cues:
    """The section.

    cues (int): Words that nearly always go with a label: in at least 10 places and 90 % of them.
    sure (List[Cue]): Those without an exception, the surest first.
    broken (List[Cue]): Those with exceptions, those with the most surprising ones first.
    unlabelled (int): Words beside these that are in no entity.
    strong (int): Those of them with a surprise of 5 bits and more: 1 in 32.
    left_out (int): Spans that overlap longer ones: they are not looked at.
    """

    cues: int
    sure: list[Cue]
    broken: list[Cue]
    unlabelled: int
    strong: int
    left_out: int = 0

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        if not self.strong:
            return []
        lacking = [cue for cue in self.broken if cue.unlabelled and _is_strong(cue)]
        first = ", ".join(f"{cue.word!r} ({cue.label})" for cue in lacking[:3])
        return [
            "Words in no entity although they stand beside one that nearly always goes with an "
            f"entity: {self.strong:,}, beside {first}. Look whether annotation is missing."
        ]


@dataclass(frozen=True, slots=True)
class _Beside:
    """The word beside a cue: where it is, and the label of the entity that begins (ends) with it.

    A word that is within an entity without being its edge has the label None, as one in no entity
    has; `is_outside` tells them apart.
    """

    its: TextWords
    at: int
    label: str | None
    is_outside: bool


def find_cues(corpus: AuditedCorpus) -> Cues:
    """Find the words that nearly always go with a label, and their exceptions."""
    beside: dict[CueKey, list[_Beside]] = defaultdict(list)
    n_left_out = 0
    for its in corpus_words(corpus):
        n_left_out += its.text.n_hidden
        for key, place in _pairs(its):
            beside[key].append(place)
    background: dict[tuple[str, int], Counter[str | None]] = defaultdict(Counter)
    for (side, _, casing), places in beside.items():
        background[side, casing].update(place.label for place in places)
    found = []
    for key, places in beside.items():
        if len(places) >= LEAST_PLACES:
            cue = _cue(key, places, background[key[0], key[2]])
            if cue is not None:
                found.append(cue)
    found.sort(key=lambda cue: (-cue.ratio, cue.word, cue.side))
    broken = [cue for cue in found if cue.surprise is not None]
    broken.sort(key=lambda cue: -(cue.surprise or 0))
    return Cues(
        cues=len(found),
        sure=[cue for cue in found if cue.surprise is None],
        broken=broken,
        unlabelled=sum(cue.unlabelled for cue in broken),
        strong=sum(cue.unlabelled for cue in broken if _is_strong(cue)),
        left_out=n_left_out,
    )


def _is_strong(cue: Cue) -> bool:
    return cue.surprise is not None and cue.surprise >= STRONG


def log_likelihood_ratio(k1: int, n1: int, k2: int, n2: int) -> float:
    """Dunning's ratio: twice the log of how much likelier two shares are than a common one.

    k1, n1 (int): Cases of interest and all cases of the one sample; k2, n2 of the other.
    """
    common = (k1 + k2) / (n1 + n2)
    return 2 * (
        _log_likelihood(k1, n1, k1 / n1 if n1 else 0)
        + _log_likelihood(k2, n2, k2 / n2 if n2 else 0)
        - _log_likelihood(k1, n1, common)
        - _log_likelihood(k2, n2, common)
    )


def _log_likelihood(k: int, n: int, p: float) -> float:
    return (k * log(p) if k else 0.0) + ((n - k) * log(1 - p) if n > k else 0.0)


def _pairs(its: TextWords) -> Iterator[tuple[CueKey, _Beside]]:
    """Each word as a cue for the next one and for the one before, but within entities."""
    owner: list[int | None] = [None] * len(its.words)
    begins, ends = {}, {}
    for i, (start, end, label) in enumerate(its.flat_entities):
        owner[start:end] = [i] * (end - start)
        begins[start], ends[end - 1] = label, label
    for at in range(1, len(its.words)):
        before = at - 1
        if its.opens[at] or (owner[at] is not None and owner[at] == owner[before]):
            continue
        for side, cue, word, edges in ((LEFT, before, at, begins), (RIGHT, at, before, ends)):
            if not its.is_missing[word]:
                beside = _Beside(its, word, edges.get(word), owner[word] is None)
                yield (side, its.words[cue], its.casing[word]), beside


def _cue(key: CueKey, places: list[_Beside], background: Counter[str | None]) -> Cue | None:
    counts = Counter(place.label for place in places)
    label, n_with = counts.most_common(1)[0]
    n = len(places)
    if label is None or n_with < LEAST_SHARE * n:
        return None
    ratio = log_likelihood_ratio(n_with, n, background[label] - n_with, background.total() - n)
    share_beside_others = (background[label] - n_with) / max(1, background.total() - n)
    if ratio < LEAST_RATIO or n_with / n <= share_beside_others:
        return None
    side, word, casing = key
    exceptions = sorted(
        (place for place in places if place.label != label), key=lambda one: not one.is_outside
    )
    return Cue(
        word,
        side,
        WORD_FORMS[casing],
        label,
        places=n,
        with_label=n_with,
        unlabelled=sum(place.is_outside for place in exceptions),
        ratio=round(ratio, 1),
        surprise=round(log2(n / len(exceptions)), 2) if exceptions else None,
        exceptions=[_shown(place) for place in exceptions[:MOST_PLACES]],
    )


def _shown(beside: _Beside) -> Occurrence:
    its, at = beside.its, beside.at
    for start, end, label in its.flat_entities:
        if start <= at < end:
            return occurrence(its.text, its.starts[start], its.ends[end - 1], label)
    return occurrence(its.text, its.starts[at], its.ends[at], None)
