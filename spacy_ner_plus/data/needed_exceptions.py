"""Where tokens must be cut so that annotated entities start and end with tokens."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from spacy.language import Language

from ..annotation.offsets import TokenEdges
from ..annotation.placement import trimmed
from ..records import TextRecord
from ..text.token_exceptions import Exceptions, cut, cuts_of


@dataclass(frozen=True)
class NeededExceptions:
    """The exceptions of a tokenizer that texts need.

    exceptions (Exceptions): Those, and what was there before.
    n_added (int): How many strings are new among them, or cut in more places.
    n_cut (int): Tokens that are cut where an entity starts or ends.
    n_others (int): Tokens of the same strings elsewhere in the texts, which are cut as well.
    """

    exceptions: Exceptions
    n_added: int
    n_cut: int
    n_others: int


def find_exceptions(
    records: Iterable[TextRecord],
    nlp: Language,
    known: Mapping[str, Iterable[str]] | None = None,
    trim: str = "off",
) -> NeededExceptions:
    """Find the tokens that entities start or end in.

    records (Iterable[TextRecord]): Those with tokens of their own are passed over.
    nlp (Language): Its tokenizer is that whose tokens are cut, without exceptions.
    known (Mapping[str, Iterable[str]]): Exceptions that are there, which are kept.
    trim (str): What is taken off entities before, as in Placing.
    """
    before = {token: cuts_of(pieces) for token, pieces in (known or {}).items()}
    cuts = {token: set(places) for token, places in before.items()}
    n_tokens: Counter[str] = Counter()
    n_cut: Counter[str] = Counter()
    for record in records:
        if record.tokens is not None:
            continue
        doc = nlp.make_doc(record.text)
        words = [token.text for token in doc]
        n_tokens.update(words)
        cut_here: set[int] = set()
        edges: TokenEdges | None = None
        for span in record.spans or ():
            if not span.is_accepted:
                continue
            edges = edges or TokenEdges(doc)
            places = trimmed(record.text, edges, (span.start, span.end), trim)
            for token, at in _cuts_for(edges, words, places):
                cuts.setdefault(words[token], set()).add(at)
                cut_here.add(token)
        n_cut.update(words[token] for token in cut_here)
    # White space is no piece, as between two entities of one token.
    cuts = {t: p for t, p in cuts.items() if not any(map(str.isspace, cut(t, p)))}
    changed = {token for token, places in cuts.items() if places != before.get(token)}
    return NeededExceptions(
        {token: cut(token, places) for token, places in cuts.items()},
        n_added=len(changed),
        n_cut=n_cut.total(),
        n_others=sum(n_tokens[token] - n_cut[token] for token in cuts),
    )


def _cuts_for(edges: TokenEdges, words: list[str], place: tuple[int, int]) -> list[tuple[int, int]]:
    """Tokens with where in them to cut, so that an entity starts and ends with tokens.

    None if it does, or no cut can help: it starts or ends in white space.
    """
    found = []
    for at, boundaries in zip(place, edges.boundaries, strict=True):
        if at in boundaries:
            continue
        token = int(np.searchsorted(edges.ends, at, side="right"))
        is_within = token < len(words) and edges.starts[token] < at
        if not is_within or words[token].isspace():
            return []
        inner = at - int(edges.starts[token])
        if words[token][:inner].isspace() or words[token][inner:].isspace():
            return []
        found.append((token, inner))
    return found
