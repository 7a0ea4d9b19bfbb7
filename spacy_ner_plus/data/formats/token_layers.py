"""Entities on tokens, in layers of tags: what formats that tag tokens can hold of a record."""

from collections.abc import Iterator, Sequence

from ...records import SpanRecord, TextRecord, TokenRecord
from ...tags import Span


def solid_tokens(record: TextRecord, what: str = "columns") -> list[TokenRecord]:
    """The tokens that are not white space.

    what (str): Is made of them. RAISES (ValueError): The record has no tokens.
    """
    if record.tokens is None:
        raise ValueError(
            f"it has no tokens, of which {what} are made: write .jsonl, or first a .spacy file, "
            "for which a tokenizer makes them."
        )
    return [one for one in record.tokens if not record.text[one.start : one.end].isspace()]


def in_layers(
    record: TextRecord, n_layers: int, *, what: str = "columns", within_sentences: bool = True
) -> tuple[list[list[Span]], int]:
    """The accepted entities by their tokens that are not white space, outer ones first.

    Each is in the first layer in which it overlaps none. One that is there twice is written once.

    n_layers (int): How many layers there are at most.
    within_sentences (bool): None may go beyond a sentence.
    RETURNS (Tuple[List[List[Span]], int]): Those of each layer, from left to right, and how many
        were there before.
    RAISES (ValueError): An entity is not on tokens, or there is no layer for it.
    """
    places = _Places(record, solid_tokens(record, what), what)
    placed: list[list[Span]] = [[] for _ in range(n_layers)]
    ends = [0] * n_layers
    known: set[tuple[int, int, str]] = set()
    n_repeated = 0
    for span in sorted(_accepted(record), key=lambda span: (span.start, -span.end)):
        if (key := (span.start, span.end, span.label)) in known:
            n_repeated += 1
            continue
        known.add(key)
        first, last = places.of(span, within_sentences=within_sentences)
        layer = next((i for i, end in enumerate(ends) if end <= first), None)
        if layer is None:
            more = f", and there are {n_layers} layers" if n_layers > 1 else ""
            raise refusal(span, f"overlaps another, which in {what} it can't{more}")
        placed[layer].append((first, last + 1, span.label))
        ends[layer] = last + 1
    return placed, n_repeated


def _accepted(record: TextRecord) -> Iterator[SpanRecord]:
    # of the others, rejected ones are no entities: the tags are what the rest says
    return (span for span in record.spans or () if span.is_accepted)


class _Places:
    """Where the tokens of a record start and end."""

    def __init__(self, record: TextRecord, solid: Sequence[TokenRecord], what: str) -> None:
        self._tokens, self._what = record.tokens or (), what
        self._starts = {token.start: i for i, token in enumerate(self._tokens)}
        self._ends = {token.end: i for i, token in enumerate(self._tokens)}
        self._first_solid = {token.start: i for i, token in enumerate(solid)}
        self._last_solid = {token.end: i for i, token in enumerate(solid)}

    def of(self, span: SpanRecord, *, within_sentences: bool) -> tuple[int, int]:
        """The first and last token of those that are not white space."""
        start, end = self._starts.get(span.start), self._ends.get(span.end)
        if start is None or end is None:
            raise refusal(span, "is not on token boundaries")
        inner = self._tokens[start + 1 : end + 1]
        if within_sentences and any(token.sentence_start for token in inner):
            raise refusal(
                span, f"runs over the start of a sentence, which in {self._what} it can't"
            )
        first, last = self._first_solid.get(span.start), self._last_solid.get(span.end)
        if first is None or last is None:
            raise refusal(span, "starts or ends on a white space token, which is left out")
        return first, last


def refusal(span: SpanRecord, why: str) -> ValueError:
    """That a span can't be written."""
    return ValueError(
        f"{span.label} at characters {span.start}-{span.end} {why}. Correct it, or write .jsonl, "
        "which holds all; or first a .spacy file, with --misaligned snap and --overlaps."
    )
