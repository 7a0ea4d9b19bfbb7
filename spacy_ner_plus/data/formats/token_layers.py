"""Entities on tokens, in layers of tags: what formats that tag tokens can hold of a record."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence

from ...records import LAYER, SpanRecord, TextRecord, TokenRecord
from ...tags import Span

COLUMNS = "columns"


def solid_tokens(record: TextRecord, what: str = COLUMNS) -> list[TokenRecord]:
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
    record: TextRecord, n_layers: int, *, what: str = COLUMNS, within_sentences: bool = True
) -> tuple[list[list[Span]], int]:
    """The accepted entities by their tokens that are not white space.

    If there are several layers, each is in its own, if it has one. Others are in the first in which
    they overlap none, outer ones before inner ones. One that is there twice is written once.

    n_layers (int): How many layers there are at most.
    within_sentences (bool): None may go beyond a sentence.
    RETURNS (Tuple[List[List[Span]], int]): Those of each layer, from left to right, and how many
        were there before.
    RAISES (ValueError): An entity is not on tokens, or there is no layer for it.
    """
    places = _Places(record, solid_tokens(record, what), what)
    placed: list[list[Span]] = [[] for _ in range(n_layers)]
    spans, n_repeated = _different(_accepted(record), n_layers)
    for span in spans:
        first, last = places.of(span, within_sentences=within_sentences)
        own = layer_of(span, n_layers)
        if own is not None and own > n_layers:
            raise refusal(span, f"is in layer {own}, and there are {n_layers}")
        chosen = placed if own is None else placed[own - 1 : own]
        layer = next((one for one in chosen if _is_free(one, first, last + 1)), None)
        if layer is None:
            raise refusal(span, _no_layer(own, n_layers, what))
        layer.insert(bisect(layer, (first,)), (first, last + 1, span.label))
    return placed, n_repeated


def _different(spans: Iterable[SpanRecord], n_layers: int) -> tuple[list[SpanRecord], int]:
    """Each entity once, those first that have a layer, and how many are there again."""
    found: dict[tuple[int, int, str, int | None], SpanRecord] = {}
    n_spans = 0
    for span in spans:
        n_spans += 1
        found.setdefault((span.start, span.end, span.label, layer_of(span, n_layers)), span)
    ordered = sorted(
        found.values(),
        key=lambda span: (layer_of(span, n_layers) is None, span.start, -span.end),
    )
    return ordered, n_spans - len(found)


def _is_free(layer: Sequence[Span], first: int, end: int) -> bool:
    """Whether some tokens have no entity in a layer, which is in order."""
    at = bisect(layer, (first,))  # the first that starts there, or behind
    return (at == 0 or layer[at - 1][1] <= first) and (at == len(layer) or layer[at][0] >= end)


def _no_layer(own: int | None, n_layers: int, what: str) -> str:
    if own is not None:
        return f"overlaps another in layer {own}"
    more = f", and there are {n_layers} layers" if n_layers > 1 else ""
    if what == COLUMNS:
        more += f" (another column for it: --to-option layers={n_layers + 1})"
    return f"overlaps another, which in {what} it can't{more}"


def layer_of(span: SpanRecord, n_layers: int) -> int | None:
    """The layer that an entity has of its own, where there are several."""
    return span.layer if n_layers > 1 else None


def lost_of_span(span: SpanRecord, held: Sequence[str], n_layers: int) -> list[str]:
    """What an entity has that tags have not, by name.

    held (Sequence[str]): The keys that they have besides its layer.
    """
    lost = [f"{key} of spans" for key in span.to_json() if key not in (*held, "meta")]
    in_tags = {LAYER} if layer_of(span, n_layers) is not None else set()
    return lost + ["meta of spans"] * bool(span.meta.keys() - in_tags)


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
