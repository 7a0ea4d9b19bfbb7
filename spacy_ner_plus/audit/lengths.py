"""How long texts, sentences and entities are, and what fits in a window: the section `lengths`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .audited import AuditedCorpus, AuditedText
from .audited_encoder import AuditedEncoder
from .occurrences import Occurrence, occurrence
from .window_fits import WindowFit, WindowsOfPart, fit, in_all, window_sizes

QUANTILES = (0.5, 0.9, 0.99)
MOST_LONGEST = 5
# Longer entities are seldom meant.
LONG_ENTITY = 30
UNITS = ("texts", "sentences", "entities")
MEASURES = ("tokens", "wordpieces")


@dataclass(frozen=True)
class LengthsOfPart:
    """Lengths of the units of a part.

    count (int): Units.
    mean (float): Of their lengths, like all that follows; 0 without units.
    median, p90, p99, longest (int): What half, 90 % and 99 % of them do not exceed, and the most.
    bins (List[int]): Units by length, see LengthBins.
    """

    count: int
    mean: float
    median: int
    p90: int
    p99: int
    longest: int
    bins: list[int]


@dataclass(frozen=True)
class LengthTable:
    """Lengths of one kind of units in one measure.

    unit (str): "texts", "sentences" or "entities".
    measure (str): "tokens" or "wordpieces".
    ends (List[int]): The longest length of each bin; the bins are between these.
    parts (Dict[str, LengthsOfPart]): By part.
    """

    unit: str
    measure: str
    ends: list[int]
    parts: dict[str, LengthsOfPart]


@dataclass(frozen=True)
class LongUnit:
    """One of the longest.

    length (int): In tokens.
    at (Occurrence): Where it is; of a text or sentence its first token.
    """

    length: int
    at: Occurrence


@dataclass(frozen=True)
class Lengths:
    """The section.

    encoder (Optional[str]): Whose wordpieces were counted; null if tokens only.
    tables (List[LengthTable]): Of all units, in tokens and in wordpieces; without sentences where
        each text is one, or none are marked.
    fits (List[WindowFit]): In windows as they are without further settings, and in the longest that
        the encoder reads; none without an encoder.
    longest (Dict[str, List[LongUnit]]): The longest of the same units in tokens.
    """

    encoder: str | None
    tables: list[LengthTable]
    fits: list[WindowFit]
    longest: dict[str, list[LongUnit]]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        too_long = [one for one in self.longest.get("entities", []) if one.length >= LONG_ENTITY]
        if not too_long:
            return []
        first = too_long[0]
        return [
            f"The longest entity has {first.length:,} tokens ({first.at.label}, {first.at.part}, "
            f"{first.at.where}): look whether entities of {LONG_ENTITY} tokens and more are meant."
        ]


@dataclass(frozen=True)
class _Measured:
    """The lengths of a text and of what is in it, by unit, and its windows by their size."""

    tokens: Mapping[str, Sequence[int]]
    pieces: Mapping[str, Sequence[int]]
    windows: Mapping[int, WindowsOfPart]


def find_lengths(corpus: AuditedCorpus, encoder: AuditedEncoder | None) -> Lengths:
    """Measure texts, sentences and entities.

    encoder (AuditedEncoder): None to count tokens only.
    """
    sizes = window_sizes(encoder)
    measured = {
        name: [_measure(text, encoder, list(sizes)) for text in part.annotated]
        for name, part in corpus.parts.items()
    }
    tables = []
    in_texts: dict[str, list[int]] = {}
    for unit in UNITS:
        in_tokens = {name: [n for m in of for n in m.tokens[unit]] for name, of in measured.items()}
        in_pieces = {name: [n for m in of for n in m.pieces[unit]] for name, of in measured.items()}
        if unit == "sentences" and (in_tokens == in_texts or not _marks_sentences(corpus)):
            continue  # each text is one
        if unit == "texts":
            in_texts = in_tokens
        if any(in_tokens.values()):
            tables.append(_table(unit, MEASURES[0], in_tokens))
        if any(in_pieces.values()):
            tables.append(_table(unit, MEASURES[1], in_pieces))
    return Lengths(
        encoder=None if encoder is None else encoder.name,
        tables=tables,
        fits=[
            WindowFit(
                size,
                what,
                {name: in_all([m.windows[size] for m in of]) for name, of in measured.items()},
            )
            for size, what in sizes.items()
        ],
        longest=_longest(corpus, list(dict.fromkeys(table.unit for table in tables))),
    )


def _marks_sentences(corpus: AuditedCorpus) -> bool:
    """Whether any text has them: spaCy takes a single token for one."""
    docs = (text.doc for text in corpus.texts())
    return any(len(doc) > 1 and doc.has_annotation("SENT_START") for doc in docs)


def _sentences(text: AuditedText) -> list[tuple[int, int]]:
    """The tokens of each sentence; none where none are marked."""
    if not text.doc.has_annotation("SENT_START"):
        return []
    return [(sentence.start, sentence.end) for sentence in text.sentences()]


def _measure(text: AuditedText, encoder: AuditedEncoder | None, sizes: list[int]) -> _Measured:
    sentences = _sentences(text)
    spans = {
        "texts": [(0, len(text.doc))],
        "sentences": sentences,
        "entities": [(span.start, span.end) for span in text.spans],
    }
    in_tokens = {unit: [end - start for start, end in its] for unit, its in spans.items()}
    if encoder is None:
        return _Measured(in_tokens, dict.fromkeys(UNITS, ()), {})
    pieces, alignment = encoder.pieces(text.doc)
    # pieces that touch tokens before each token: a piece over two tokens counts for both
    before = np.searchsorted(alignment.tokens, np.arange(len(text.doc) + 1))
    in_pieces = {
        unit: [_n_pieces(alignment.pieces, before, its) for its in all_of]
        for unit, all_of in spans.items()
    }
    in_pieces["texts"] = [len(pieces)]
    fits = {size: fit(size, encoder, alignment, in_pieces, spans["entities"]) for size in sizes}
    return _Measured(in_tokens, in_pieces, fits)


def _n_pieces(pieces: np.ndarray, before: np.ndarray, tokens: tuple[int, int]) -> int:
    """Different pieces of a run of tokens."""
    return len(np.unique(pieces[before[tokens[0]] : before[tokens[1]]]))


def _table(unit: str, measure: str, lengths: Mapping[str, Sequence[int]]) -> LengthTable:
    ends = bin_ends(max(max(its, default=0) for its in lengths.values()))
    return LengthTable(
        unit, measure, ends, {name: _lengths_of_part(its, ends) for name, its in lengths.items()}
    )


def bin_ends(longest: int) -> list[int]:
    """The longest length of each bin: one by one at first, then twice as wide each time."""
    ends = list(range(1, min(longest, 4) + 1))
    while not ends or ends[-1] < longest:
        ends.append(2 * ends[-1] if ends else 1)
    return ends


def _lengths_of_part(lengths: Sequence[int], ends: Sequence[int]) -> LengthsOfPart:
    if not lengths:
        return LengthsOfPart(0, 0.0, 0, 0, 0, 0, [0] * len(ends))
    values = np.array(lengths)
    # those of length 0, texts without tokens, are in the first bin
    bins = np.bincount(np.searchsorted(ends, values), minlength=len(ends))
    median, p90, p99 = np.quantile(values, QUANTILES, method="inverted_cdf").tolist()
    return LengthsOfPart(
        count=len(values),
        mean=float(values.mean()),
        median=median,
        p90=p90,
        p99=p99,
        longest=int(values.max()),
        bins=bins.tolist(),
    )


def _longest(corpus: AuditedCorpus, units: Sequence[str]) -> dict[str, list[LongUnit]]:
    return {
        unit: [
            LongUnit(length, _at(text, start, end, label))
            for length, text, start, end, label in sorted(
                _units(corpus, unit), key=lambda one: -one[0]
            )[:MOST_LONGEST]
        ]
        for unit in units
    }


def _units(
    corpus: AuditedCorpus, unit: str
) -> Iterator[tuple[int, AuditedText, int, int, str | None]]:
    """Length in tokens, text, first token, last one to show, exclusive, and label."""
    for text in corpus.texts():
        if unit == "texts" and len(text.doc):
            yield len(text.doc), text, 0, 1, None
        elif unit == "sentences":
            for start, end in _sentences(text):
                yield end - start, text, start, start + 1, None
        elif unit == "entities":
            for span in text.spans:
                yield len(span), text, span.start, span.end, span.label_


def _at(text: AuditedText, start: int, end: int, label: str | None) -> Occurrence:
    span = text.doc[start:end]
    return occurrence(text, span.start_char, span.end_char, label)
