"""How sure a language model is: by the tokens that it wrote, or by how often it says the same."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from ...records import Stretch
from .asking.completions_protocol import TokenScore

FoundSpan = tuple[int, int, str]
"""Start character, end character (exclusive), label."""


def probability_of(answer: str, scores: Sequence[TokenScore], place: Stretch) -> float | None:
    """The probability of what stands at a place of an answer, given all before it.

    It is the product over all tokens that the place touches: text, label and the signs between.

    answer (str): The answer. scores (Sequence[TokenScore]): Its tokens.
    place (Stretch): Characters of the answer.
    RETURNS (float): None if the tokens are not those of the answer.
    """
    if b"".join(one.piece for one in scores) != answer.encode("utf8"):
        return None
    start, end = (len(answer[:at].encode("utf8")) for at in place)
    ends = list(accumulate(len(one.piece) for one in scores))
    logs = [
        one.log_probability
        for one, its_end in zip(scores, ends, strict=True)
        if its_end > start and its_end - len(one.piece) < end
    ]
    return math.exp(sum(logs)) if logs else None


def shares(samples: Sequence[Sequence[FoundSpan]]) -> dict[FoundSpan, float]:
    """The share of samples that have each span: self-consistency (Wang et al., 2023).

    samples (Sequence[Sequence[FoundSpan]]): What each answer was found to say; at least one.
    """
    found: dict[FoundSpan, set[int]] = defaultdict(set)
    for i, sample in enumerate(samples):
        for span in sample:
            found[span].add(i)
    return {span: len(own) / len(samples) for span, own in found.items()}


def without_overlaps(
    spans: Sequence[tuple[FoundSpan, float]],
) -> tuple[list[FoundSpan], list[FoundSpan]]:
    """The spans that stay if none may overlap, and those that are in their way.

    The more probable stays, then the longer, then the one before.

    spans: Each with its probability; 1 for all where it is not known.
    """
    order = sorted(spans, key=lambda one: (-one[1], one[0][0] - one[0][1], one[0]))
    kept: list[FoundSpan] = []  # from left to right
    others: list[FoundSpan] = []
    for span, _ in order:
        at = bisect_left(kept, span)
        is_free = (at == 0 or kept[at - 1][1] <= span[0]) and (
            at == len(kept) or span[1] <= kept[at][0]
        )
        if is_free:
            kept.insert(at, span)
        else:
            others.append(span)
    return kept, sorted(others)
