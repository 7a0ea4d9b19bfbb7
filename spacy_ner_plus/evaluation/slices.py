"""Recall and precision of groups of entities: known from training, ambiguous, long, late, odd."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import numpy as np
from spacy.language import Language

from ..text.wordpieces import WordpieceTokenizer, align
from .documents import Document
from .judged import Judged
from .known_entities import KnownEntities
from .schema import SliceGroup, Slices

SEEN = ("same label", "another label only", "unseen")
AMBIGUITY = (
    "one label",
    "several labels",
    "one label or no entity",
    "several labels or no entity",
    "unseen",
)
LENGTHS = ("1", "2", "3", "4", "5-6", "7+")
LONGEST = (1, 2, 3, 4, 6)
POSITIONS = ("0-63", "64-127", "128-255", "256-511", "512-1,023", "1,024+")
LAST = (63, 127, 255, 511, 1023)
PIECES = ("1", "1-2", "2-3", "over 3")
MOST_PIECES = (1.0, 2.0, 3.0)


def slices(
    gold: Sequence[Judged],
    predicted: Sequence[Judged],
    *,
    known: KnownEntities | None,
    tokenizer: WordpieceTokenizer | None,
) -> Slices:
    """Groups of entities.

    known (KnownEntities): The entity texts of the training data, see known_entities; None leaves
        the slices of these out.
    tokenizer (WordpieceTokenizer): Of the encoder; None leaves that slice out.
    """
    both = (gold, predicted)
    return Slices(
        seen=None if known is None else _groups(*both, SEEN, lambda one: _seen(one, known)),
        length=_groups(*both, LENGTHS, lambda one: bisect_left(LONGEST, one.n_tokens)),
        position=_groups(*both, POSITIONS, lambda one: bisect_left(LAST, one.entity.start)),
        pieces=None if tokenizer is None else _by_pieces(gold, predicted, tokenizer),
        ambiguity=(
            None if known is None else _groups(*both, AMBIGUITY, lambda one: _ambiguity(one, known))
        ),
    )


def find_tokenizer(nlp: Language) -> WordpieceTokenizer | None:
    """The first tokenizer of an encoder of this package in a pipeline, shared or not."""
    for _, component in nlp.pipeline:
        model = getattr(component, "model", None)
        for node in model.walk() if model is not None else ():
            for shim in node.shims:
                with suppress(ValueError):  # there may be none, as over a network of words
                    tokenizer = getattr(shim, "tokenizer", None)
                    if isinstance(tokenizer, WordpieceTokenizer):
                        return tokenizer
    return None


def _groups(
    gold: Iterable[Judged],
    predicted: Iterable[Judged],
    names: Sequence[str],
    group_of: Callable[[Judged], int],
) -> list[SliceGroup]:
    """The groups that have an entity of either side."""
    # (n_groups, 4): gold, found, predicted, correct
    counts = np.zeros((len(names), 4), dtype=np.int64)
    for first, side in ((0, gold), (2, predicted)):
        for one in side:
            counts[group_of(one), first : first + 2] += (1, one.right)
    return [
        SliceGroup(
            group=name,
            gold=n_gold,
            found=found,
            recall=found / n_gold if n_gold else None,
            predicted=n_predicted,
            correct=correct,
            precision=correct / n_predicted if n_predicted else None,
        )
        for name, (n_gold, found, n_predicted, correct) in zip(names, counts.tolist(), strict=True)
        if n_gold or n_predicted
    ]


def _seen(one: Judged, known: KnownEntities) -> int:
    labels = known.labels.get(one.text, set())
    if one.entity.label in labels:
        return 0
    return 1 if labels else 2


def _ambiguity(one: Judged, known: KnownEntities) -> int:
    labels = known.labels.get(one.text)
    if not labels:
        return AMBIGUITY.index("unseen")
    return (len(labels) > 1) + 2 * (one.text in known.unlabelled)


def _by_pieces(
    gold: Sequence[Judged], predicted: Sequence[Judged], tokenizer: WordpieceTokenizer
) -> list[SliceGroup]:
    documents = {one.document.index: one.document for one in (*gold, *predicted)}
    pieces = tokenizer([document.text for document in documents.values()])
    up_to = {}  # by document: (n_tokens + 1,) the wordpieces before each token
    for document, its in zip(documents.values(), pieces, strict=True):
        starts, ends = _tokens(document)
        tokens = align(starts, ends, its.starts, its.ends).tokens
        counts = np.bincount(tokens, minlength=len(starts))
        up_to[document.index] = np.concatenate([[0], np.cumsum(counts)])

    def group_of(one: Judged) -> int:
        before = up_to[one.document.index]
        n_pieces = before[one.entity.end] - before[one.entity.start]
        return bisect_left(MOST_PIECES, n_pieces / one.n_tokens)

    return _groups(gold, predicted, PIECES, group_of)


def _tokens(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """(n_tokens,) where tokens start and end, in characters, without the space after each."""
    starts = np.array(document.token_starts, dtype=np.int64)
    until = [*document.token_starts[1:], len(document.text)]
    texts = [document.text[i:j].rstrip() for i, j in zip(document.token_starts, until, strict=True)]
    return starts, starts + np.array([max(1, len(text)) for text in texts], dtype=np.int64)
