"""Where two models differ on a text, in numbers: texts are nobody's business."""

from collections import Counter
from collections.abc import Iterable

from ...records import SpanRecord

SAME, LABEL, BOUNDS = "same", "label", "bounds"
ONLY_ANSWERED, ONLY_COMPARED = "only_answered", "only_compared"


def count_differences(
    answered: Iterable[SpanRecord], compared: Iterable[SpanRecord]
) -> Counter[str]:
    """How many entities both found, and how many they differ in.

    Each entity counts once, with the first that fits: one of the same characters and label, then of
    the same characters ("label"), then of the same label that overlaps ("bounds").

    RETURNS (Counter): By kind; those that one model alone found are "only_answered" and
        "only_compared".
    """
    ours, theirs = list(answered), list(compared)
    counts: Counter[str] = Counter()
    for kind, fits in ((SAME, _is_same), (LABEL, _is_place), (BOUNDS, _is_near)):
        left = []
        for one in ours:
            found = next((other for other in theirs if fits(one, other)), None)
            if found is None:
                left.append(one)
            else:
                theirs.remove(found)
                counts[kind] += 1
        ours = left
    counts[ONLY_ANSWERED], counts[ONLY_COMPARED] = len(ours), len(theirs)
    return +counts


def _is_place(one: SpanRecord, other: SpanRecord) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def _is_same(one: SpanRecord, other: SpanRecord) -> bool:
    return one.label == other.label and _is_place(one, other)


def _is_near(one: SpanRecord, other: SpanRecord) -> bool:
    return one.label == other.label and one.start < other.end and other.start < one.end
