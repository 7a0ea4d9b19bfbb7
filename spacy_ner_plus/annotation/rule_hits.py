"""What rules found in a Doc, as plain data that travels on it: doc._.rule_hits.

A component of rules leaves its hits here; models and their features read them, wherever the two are
in the pipeline. Places are in characters, so that merging and splitting tokens moves nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from spacy.tokens import Doc

RULE_HITS = "rule_hits"
# Where spaCy keeps it in doc.user_data. To write it there takes a tenth of the time of doc._.
_KEY = ("._.", RULE_HITS, None, None)

HARD, SOFT, BLOCK, BLOCK_WORDS = "hard", "soft", "block", "block_words"
KINDS = (HARD, SOFT, BLOCK, BLOCK_WORDS)
ANY_LABEL = ""


@dataclass  # not frozen: making one takes a tenth of the time then, and each Doc has its own
class RuleHits:
    """The hits of a component of rules in one Doc, as columns of one length.

    starts, ends (List[int]): Characters of doc.text, ends exclusive.
    labels (List[str]): Entity types; ANY_LABEL, in blocks only, for every type.
    kinds (List[str]): What each means for a model behind it: "hard", this is an entity; "soft",
        weight is added once to the log score of exactly this span with this label; "block", this
        span is no entity of the label; "block_words", no word of it is in an entity of the label.
    weights (List[float]): Of soft hits; 0 for others.
    rules (List[str]): The name of the rule or list that found each.
    ids (List[str]): The entity's id by that rule; "" for none.
    """

    starts: list[int]
    ends: list[int]
    labels: list[str]
    kinds: list[str]
    weights: list[float]
    rules: list[str]
    ids: list[str]

    @classmethod
    def none(cls) -> Self:
        """No hits."""
        return cls(*([] for _ in fields(cls)))

    def __len__(self) -> int:
        return len(self.starts)

    def __add__(self, other: "RuleHits") -> "RuleHits":
        return RuleHits(*(getattr(self, f) + getattr(other, f) for f in _COLUMNS))

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Each hit, in the order of the columns."""
        return zip(*(getattr(self, name) for name in _COLUMNS), strict=True)

    def chosen(self, positions: Iterable[int]) -> "RuleHits":
        """Some of the hits."""
        positions = list(positions)
        return RuleHits(*([getattr(self, name)[i] for i in positions] for name in _COLUMNS))

    def of_kinds(self, *kinds: str) -> "RuleHits":
        """The hits of some kinds."""
        return self.chosen(i for i, kind in enumerate(self.kinds) if kind in kinds)


_COLUMNS = tuple(field.name for field in fields(RuleHits))


@dataclass(frozen=True)
class TokenHits:
    """Hits on the tokens that a Doc has now.

    starts, ends: (n_hits,) int64 tokens, ends exclusive.
    hits (RuleHits): The same hits.
    n_lost (int): Further hits, that begin or end inside of what is one token now.
    """

    starts: np.ndarray
    ends: np.ndarray
    hits: RuleHits
    n_lost: int


def register_rule_hits() -> None:
    """Register doc._.rule_hits, unless somebody has."""
    if not Doc.has_extension(RULE_HITS):
        Doc.set_extension(RULE_HITS, default=None)


def set_rule_hits(doc: Doc, component: str, hits: RuleHits) -> None:
    """Leave hits on a Doc, in place of what the same component left there before.

    component (str): Its name in the pipeline.
    RAISES ValueError: If doc._.rule_hits is something else.
    """
    register_rule_hits()
    data: dict[Any, Any] = doc.user_data
    former = _stored(doc)
    stored = dict(former)
    stored.pop(component, None)
    if len(hits):
        # tuples: the garbage collector looks at each list again and again, of millions of Docs
        stored[component] = {name: tuple(column) for name, column in vars(hits).items()}
    if stored or former:
        data[_KEY] = stored


def rule_hits(doc: Doc) -> RuleHits:
    """The hits of all components of rules that have read a Doc, in their order.

    RAISES ValueError: If doc._.rule_hits is something else.
    """
    register_rule_hits()
    found = RuleHits.none()
    for component in _stored(doc):
        found += hits_of(doc, component)
    return found


def hits_of(doc: Doc, component: str) -> RuleHits:
    """The hits that a component left on a Doc when it read it before.

    RAISES ValueError: If doc._.rule_hits is something else.
    """
    columns = _stored(doc).get(component)
    if columns is None:
        return RuleHits.none()
    try:
        hits = RuleHits(**{name: list(column) for name, column in columns.items()})
        list(hits.rows())  # columns of one length
    except (TypeError, ValueError, AttributeError) as error:
        raise _no_hits(doc, error) from error
    return hits


def _stored(doc: Doc) -> dict[str, Any]:
    """What is stored on a Doc, by component."""
    data: dict[Any, Any] = doc.user_data
    stored = data.get(_KEY) or {}
    if not isinstance(stored, dict):
        raise _no_hits(doc, f"it is {stored!r:.80}")
    return stored


def _no_hits(doc: Doc, why: object) -> ValueError:
    return ValueError(
        f"doc._.{RULE_HITS} of the document {doc.text[:80]!r} holds no hits of rules, by "
        f"component, as ner_plus_rules leaves them there: {why}"
    )


def on_tokens(doc: Doc, hits: RuleHits) -> TokenHits:
    """Where hits are among the tokens that a Doc has now."""
    places = doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2).astype(np.int64)  # (n_tokens, 2)
    firsts, lasts = places[:, 0], places.sum(axis=1)  # (n_tokens,) each, in characters
    starts, ends = np.array(hits.starts, dtype=np.int64), np.array(hits.ends, dtype=np.int64)
    first = np.searchsorted(firsts, starts)  # (n_hits,)
    last = np.searchsorted(lasts, ends)  # (n_hits,)
    inside = (first < len(doc)) & (last < len(doc)) & (first <= last)
    fits = inside.copy()
    fits[inside] = (firsts[first[inside]] == starts[inside]) & (lasts[last[inside]] == ends[inside])
    kept = hits if fits.all() else hits.chosen(np.flatnonzero(fits).tolist())
    return TokenHits(first[fits], last[fits] + 1, kept, int((~fits).sum()))
