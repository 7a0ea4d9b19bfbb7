"""Texts with the answers that a language model should give to them."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from ....records import Stretch
from ..grounding.ground_mentions import ground_mentions
from ..grounding.mentions import Mention, TokenBounds

UNKNOWN_LABEL, OVERLAPPING, UNPLACED, TOO_LONG = (
    "other_label",
    "overlapping",
    "not_recovered",
    "too_long",
)
LEFT_OUT = {
    UNKNOWN_LABEL: "an entity of it has a label that is not asked for",
    OVERLAPPING: "its entities overlap",
    UNPLACED: "its answer would not be found again in its own text",
    TOO_LONG: "it has more tokens than an example may have",
}
"""Why an annotated text can't be an example, and what that means."""


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """A text with its answer.

    text (str): The text. mentions (Tuple[Mention, ...]): Its entities, in order.
    """

    text: str
    mentions: tuple[Mention, ...]

    @property
    def labels(self) -> Counter[str]:
        """How many entities of each type it has."""
        return Counter(mention.label for mention in self.mentions)


@dataclass(frozen=True, slots=True)
class AnnotatedPiece:
    """A text with what is known of it.

    text (str): The text. tokens (TokenBounds): Its tokens.
    entities (Tuple[Tuple[Stretch, str], ...]): Characters and label of each.
    """

    text: str
    tokens: TokenBounds
    entities: tuple[tuple[Stretch, str], ...]


def worked_examples(
    texts: Iterable[AnnotatedPiece], labels: Collection[str], *, max_tokens: int
) -> tuple[list[WorkedExample], Counter[str]]:
    """Make examples, if the answer to each leads back to its entities.

    max_tokens (int): An example has no more.
    RETURNS: The examples, in the order of the texts, and how many texts were left out, by the
        reasons of LEFT_OUT.
    """
    examples, left_out = [], Counter[str]()
    for text in texts:
        entities = sorted(text.entities)
        answer = [Mention(text.text[s:e], label) for (s, e), label in entities]
        if len(text.tokens.starts) > max_tokens:
            left_out[TOO_LONG] += 1
        elif any(mention.label not in labels for mention in answer):
            left_out[UNKNOWN_LABEL] += 1
        elif any(a[0][1] > b[0][0] for a, b in pairwise(entities)):
            left_out[OVERLAPPING] += 1
        else:
            found = ground_mentions(text.text, text.tokens, answer)
            if [one.place for one in found.found] == [place for place, _ in entities]:
                examples.append(WorkedExample(text.text, tuple(answer)))
            else:
                left_out[UNPLACED] += 1
    return examples, left_out
