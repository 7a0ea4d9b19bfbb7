"""What rules found in a Doc, as plain data that travels on it: doc._.rule_hits.

A component of rules leaves its hits here; models and their features read them, wherever the two are
in the pipeline. Places are in characters, so that merging and splitting tokens moves nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, starmap
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc

RULE_HITS = "rule_hits"
# Where spaCy keeps it in doc.user_data. To write it there takes a tenth of the time of doc._.
_KEY = ("._.", RULE_HITS, None, None)

HARD, SOFT, BLOCK, BLOCK_WORDS = "hard", "soft", "block", "block_words"
KINDS = (HARD, SOFT, BLOCK, BLOCK_WORDS)
ANY_LABEL = ""
# What is kept of a RuleHit: nothing that only this package can read.
HitRow = tuple[int, int, str, str, float, str, str]


class RuleHit(NamedTuple):
    """A hit of a rule in a Doc.

    start, end (int): Characters of doc.text, the end exclusive.
    label (str): The entity type; ANY_LABEL, in blocks only, for every type.
    kind (str): What it means for a model behind it: "hard", this is an entity; "soft", weight is
        added once to the log score of exactly this span with this label; "block", this span is no
        entity of the label; "block_words", no word of it is in an entity of the label.
    weight (float): Of a soft hit; 0 for others.
    rule (str): The name of the rule or list that found it.
    id (str): The entity's id by that rule; "" for none.
    """

    start: int
    end: int
    label: str
    kind: str
    weight: float
    rule: str
    id: str


@dataclass(frozen=True)
class TokenHits:
    """Hits on the tokens that a Doc has now.

    starts, ends: (n_hits,) int64 tokens, ends exclusive.
    hits (List[RuleHit]): The same hits.
    n_lost (int): Further hits, that begin or end inside of what is one token now.
    """

    starts: np.ndarray
    ends: np.ndarray
    hits: list[RuleHit]
    n_lost: int


def register_rule_hits() -> None:
    """Register doc._.rule_hits, unless somebody has."""
    if not Doc.has_extension(RULE_HITS):
        Doc.set_extension(RULE_HITS, default=None)


def set_rule_hits(doc: Doc, component: str, hits: Iterable[HitRow]) -> None:
    """Leave hits on a Doc, in place of what the same component left there before.

    component (str): Its name in the pipeline.
    hits (Iterable[Tuple]): Each with the values of a RuleHit.
    RAISES ValueError: If doc._.rule_hits is something else.
    """
    data: dict[Any, Any] = doc.user_data
    former = _stored(data, doc)
    stored = {name: rows for name, rows in former.items() if name != component}
    # tuples: the garbage collector looks at each list again and again, of millions of Docs
    rows = tuple(map(tuple, hits))
    if rows:
        stored[component] = rows
    if stored or former:
        data[_KEY] = stored


def rule_hits(doc: Doc) -> list[RuleHit]:
    """The hits of all components of rules that have read a Doc, in their order.

    RAISES ValueError: If doc._.rule_hits is something else.
    """
    return [hit for name in _stored(doc.user_data, doc) for hit in hits_of(doc, name)]


def hits_of(doc: Doc, component: str) -> list[RuleHit]:
    """The hits that a component left on a Doc when it read it before.

    RAISES ValueError: If doc._.rule_hits is something else.
    """
    rows = _stored(doc.user_data, doc).get(component, ())
    try:
        return list(starmap(RuleHit, rows))
    except TypeError as error:
        raise _no_hits(doc, error) from error


def _stored(data: Mapping[Any, Any], doc: Doc) -> dict[str, Any]:
    """What is stored on a Doc, by component. data (Mapping): doc.user_data."""
    stored = data.get(_KEY) or {}
    if not isinstance(stored, dict):
        raise _no_hits(doc, f"it is {stored!r:.80}")
    return stored


def _no_hits(doc: Doc, why: object) -> ValueError:
    return ValueError(
        f"doc._.{RULE_HITS} of the document {doc.text[:80]!r} holds no hits of rules, by "
        f"component, as ner_plus_rules leaves them there: {why}"
    )


def on_tokens(doc: Doc, hits: Sequence[RuleHit]) -> TokenHits:
    """Where hits are among the tokens that a Doc has now."""
    places = doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2).astype(np.int64)  # (n_tokens, 2)
    firsts, lasts = places[:, 0], places.sum(axis=1)  # (n_tokens,) each, in characters
    spans = np.array([hit[:2] for hit in hits], dtype=np.int64).reshape(-1, 2)  # (n_hits, 2)
    starts, ends = spans.T  # (n_hits,) each
    first = np.searchsorted(firsts, starts)  # (n_hits,)
    last = np.searchsorted(lasts, ends)  # (n_hits,)
    inside = (first < len(doc)) & (last < len(doc)) & (first <= last)
    fits = inside.copy()
    fits[inside] = (firsts[first[inside]] == starts[inside]) & (lasts[last[inside]] == ends[inside])
    kept = list(compress(hits, fits.tolist()))
    return TokenHits(first[fits], last[fits] + 1, kept, int((~fits).sum()))
