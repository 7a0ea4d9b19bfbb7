"""What tokenizers and encoders trip over: the section `tokens`."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..annotation.placement import MISALIGNED
from . import odd_characters as odd
from .audited import AuditedCorpus, AuditedText
from .audited_encoder import AuditedEncoder
from .counts import misfits
from .edges import edges_off
from .occurrences import Occurrence, occurrence

MOST_PLACES, MOST_FORMS = 5, 20
# Of entities, from which on somebody should know that the encoder can't read them.
UNREADABLE = 0.001
# Of spans, from which on it is no matter of single characters.
MOSTLY_OFF = 0.2
OTHER_TOKENIZER = " Look first whether --lang is the language of the texts: so many seldom do not."
NO_PIECES, UNKNOWN = "no wordpieces", "unknown wordpieces"
ACROSS_SENTENCES, ACROSS_LINES = "across sentences", "across lines"


@dataclass(frozen=True)
class Advice:
    """What a check looks for.

    what (str): In words, of what is counted.
    remedy (str): What to do about it.
    is_warning (bool): Whether one such in an entity is worth a warning.
    """

    what: str
    remedy: str
    is_warning: bool = True


CHECKS = {
    ACROSS_SENTENCES: Advice(
        "entities that go over the end of a sentence",
        "correct the sentences or the entities; with within_sentences a model never finds them",
    ),
    ACROSS_LINES: Advice(
        "entities with a line break in them",
        "see within_lines in docs/configuration.md",
        is_warning=False,
    ),
    odd.REPLACEMENT: Advice(
        "replacement characters (U+FFFD)", "read the source again with its own encoding"
    ),
    odd.CONTROL: Advice("control characters", "take them out of the text before it is annotated"),
    odd.BOM: Advice("byte order marks within a text", "take them out: they are part of a token"),
    odd.ZERO_WIDTH: Advice(
        "zero-width characters", "take them out: nobody sees them, but they are part of a token"
    ),
    odd.SOFT_HYPHEN: Advice("soft hyphens", "take them out: a word with one is another word"),
    odd.DIRECTION: Advice(
        "direction marks", "take them out, but where right-to-left text needs them"
    ),
    odd.PRIVATE: Advice("private-use characters", "replace them: no encoder knows them"),
    odd.MIXED: Advice(
        "words of letters from several scripts that look alike",
        "replace the letters that are of another script than the rest",
    ),
    odd.NOT_NFC: Advice(
        "words that are not in Unicode's normal form (NFC)",
        "normalise all texts alike, before they are annotated and in production",
        is_warning=False,
    ),
    odd.BLANK: Advice(
        "unusual blanks, such as no-break ones",
        "spaCy makes tokens of them or leaves them in words: replace them by plain ones",
        is_warning=False,
    ),
    NO_PIECES: Advice(
        "tokens without wordpieces", "the encoder does not see them: take them out of the text"
    ),
    UNKNOWN: Advice(
        "tokens with unknown wordpieces",
        "the encoder's vocabulary lacks them: take another encoder, or replace the characters",
    ),
}
"""By kind, in the order in which they are shown."""


@dataclass(frozen=True)
class TokenFinding:
    """What one check found.

    kind (str): A key of CHECKS.
    what, remedy (str): In words: what was counted, and what to do.
    count (int): How many, in all parts.
    in_entities (int): Those of them in entities, or that are entities.
    forms (Dict[str, int]): The most frequent: characters by code and name, or tokens.
    first (List[Occurrence]): The first, those in entities before others.
    """

    kind: str
    what: str
    remedy: str
    count: int
    in_entities: int
    forms: dict[str, int]
    first: list[Occurrence]


@dataclass(frozen=True)
class EdgeFinding:
    """Edges of spans that are at no edge of a token, for the same reason.

    why (str): The character at the edge, or what else is there.
    count (int): Edges.
    first (List[Occurrence]): The first such spans.
    """

    why: str
    count: int
    first: list[Occurrence]


@dataclass(frozen=True)
class TokenChecks:
    """The section.

    encoder (Optional[str]): Whose wordpieces were looked at; null if none.
    entities (int): Entities, and spans that are none as they do not fit.
    misaligned (int): Spans that do not start and end with tokens.
    edges (List[EdgeFinding]): Why, the most frequent first.
    findings (List[TokenFinding]): What other checks found.
    """

    encoder: str | None
    entities: int
    misaligned: int
    edges: list[EdgeFinding]
    findings: list[TokenFinding]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.misaligned:
            why = ", ".join(f"{edge.why}: {edge.count:,}" for edge in self.edges[:3])
            yield (
                f"{self.misaligned:,} spans do not start and end with tokens ({why}): "
                "`convert --misaligned split --exceptions FILE` cuts tokens there, snap or "
                "contract move the spans."
                + (OTHER_TOKENIZER if self.misaligned >= MOSTLY_OFF * self.entities else "")
            )
        for one in self.findings:
            least = UNREADABLE * self.entities if one.kind == UNKNOWN else 0
            if CHECKS[one.kind].is_warning and one.in_entities > least:
                are_entities = one.kind in (ACROSS_SENTENCES, ACROSS_LINES)
                within = "" if are_entities else f", {one.in_entities:,} of them in entities"
                what = one.what[0].upper() + one.what[1:]
                yield f"{what}: {one.count:,}{within}. To do: {one.remedy}."


@dataclass
class _Tally:
    """Counts of one kind while texts are read."""

    count: int = 0
    in_entities: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    within: list[Occurrence] = field(default_factory=list)
    without: list[Occurrence] = field(default_factory=list)

    def add(self, text: AuditedText, start: int, end: int, form: str) -> None:
        span = text.doc.char_span(start, end, alignment_mode="expand")
        label = next((token.ent_type_ for token in span or () if token.ent_type_), None)
        self.count += 1
        self.in_entities += label is not None
        self.forms[form] += 1
        places = self.without if label is None else self.within
        if len(places) < MOST_PLACES:
            places.append(occurrence(text, start, end, label))


def find_token_checks(corpus: AuditedCorpus, encoder: AuditedEncoder | None) -> TokenChecks:
    """Look at the characters, tokens and wordpieces of all texts.

    encoder (AuditedEncoder): None to leave wordpieces out.
    """
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    edges: defaultdict[str, list[Occurrence]] = defaultdict(list)
    counts: Counter[str] = Counter()
    n_misaligned = n_entities = 0
    for text in corpus.texts():
        n_entities += len(text.spans)
        for kind, start, end in odd.odd_characters(text.record.text):
            tallies[kind].add(text, start, end, _form(kind, text.record.text[start:end]))
        for kind, start, end in _across(text):
            tallies[kind].add(text, start, end, " ".join(text.record.text[start:end].split()))
        if encoder is not None:
            for kind, start, end in _unread(text, encoder):
                tallies[kind].add(text, start, end, text.record.text[start:end])
        misaligned = [span for kind, span in misfits(text) if kind == MISALIGNED]
        n_misaligned += len(misaligned)
        for why, span in edges_off(text, misaligned):
            counts[why] += 1
            if len(edges[why]) < MOST_PLACES:
                edges[why].append(occurrence(text, span.start, span.end, span.label))
    return TokenChecks(
        encoder=None if encoder is None else encoder.name,
        entities=n_entities + n_misaligned,
        misaligned=n_misaligned,
        edges=[EdgeFinding(why, n, edges[why]) for why, n in counts.most_common()],
        findings=[_finding(kind, tallies[kind]) for kind in CHECKS if kind in tallies],
    )


def _form(kind: str, found: str) -> str:
    return found if kind in (odd.NOT_NFC, odd.MIXED) else odd.character_name(found)


def _finding(kind: str, tally: _Tally) -> TokenFinding:
    return TokenFinding(
        kind,
        CHECKS[kind].what,
        CHECKS[kind].remedy,
        tally.count,
        tally.in_entities,
        dict(tally.forms.most_common(MOST_FORMS)),
        (tally.within + tally.without)[:MOST_PLACES],
    )


def _across(text: AuditedText) -> Iterator[odd.Found]:
    """Entities that go over the end of a sentence or line."""
    is_cut = text.doc.has_annotation("SENT_START")
    for span in text.spans:
        if is_cut and any(token.is_sent_start for token in span[1:]):
            yield ACROSS_SENTENCES, span.start_char, span.end_char
        if "\n" in span.text:
            yield ACROSS_LINES, span.start_char, span.end_char


def _unread(text: AuditedText, encoder: AuditedEncoder) -> Iterator[odd.Found]:
    """Tokens without wordpieces, but for white space, and those with unknown ones."""
    pieces, alignment = encoder.pieces(text.doc)
    has_pieces = np.zeros(len(text.doc), dtype=bool)
    has_pieces[alignment.tokens] = True
    is_unknown = np.zeros(len(text.doc), dtype=bool)
    if encoder.unknown_id is not None:
        is_unknown[alignment.tokens[pieces.ids[alignment.pieces] == encoder.unknown_id]] = True
    for i in np.flatnonzero(~has_pieces | is_unknown).tolist():
        token = text.doc[i]
        if not token.text.isspace():
            kind = UNKNOWN if has_pieces[i] else NO_PIECES
            yield kind, token.idx, token.idx + len(token)
