"""How much there is of what: the section `counts`."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from ..annotation.placement import MISALIGNED, OVERLAPPING, REFUSED, REPEATED, Placement
from ..annotation.token_states import MISSING
from ..nesting.span_relations import Relations, relate
from ..records import SpanRecord
from ..support.numbers import counted
from .audited import AuditedCorpus, AuditedPart, AuditedText
from .balance import BalanceOfLabels, find_balance
from .occurrences import Occurrence, occurrence

MOST_PLACES = 5
# Longer stretches without any entity in none of them are no sign that such were left out.
LONG_TEXT = 80
# Of dev or test: the 95 % interval of an F1 of 0.8 on so many is 0.16 wide.
FEW_TO_SCORE = 100
# Keys of PartCounts.misfits, in the order in which they are shown.
MISFITS = {
    MISALIGNED: "not on token boundaries",
    "same": "with another label on the same characters",
    "nested": "within another, or around it",
    "crossing": "overlap another in part",
    REPEATED: "given twice",
}
OVERLAPS = ("same", "nested", "crossing")
_PREFIXES = tuple("BILUESM")


@dataclass(frozen=True)
class PartCounts:
    """What a part has. All but the first two are of texts with annotation.

    texts (int): All texts (documents) of it.
    not_annotated (int): Those about which nothing is known.
    empty (int): Annotated texts with nothing but white space in them.
    without_entities (int): Annotated texts without an entity, empty ones too.
    partly_annotated (int): Those of which only some labels are annotated.
    sentences (Optional[int]): Where they are marked; null if they are in no text.
    sentences_without_entities (Optional[int]): Likewise.
    tokens (int): Tokens.
    unknown_tokens (int): Those of which nothing is known: in stretches that are so marked, in
        ignored spans, or where a span did not fit.
    entities (int): Those that start and end with tokens; they may overlap.
    forms (int): Different texts of these.
    labels (Dict[str, int]): These by label, the most frequent first.
    rejected, ignored (int): Spans of that status.
    misfits (Dict[str, int]): Spans that a flat model can't learn as they are, by what is wrong with
        them: see MISFITS. Those that overlap longer ones are among the entities, too.
    """

    texts: int
    not_annotated: int
    empty: int
    without_entities: int
    partly_annotated: int
    sentences: int | None
    sentences_without_entities: int | None
    tokens: int
    unknown_tokens: int
    entities: int
    forms: int
    labels: dict[str, int]
    rejected: int
    ignored: int
    misfits: dict[str, int]

    @property
    def units(self) -> tuple[str, int, int]:
        """What a model reads: sentences, or texts; how many, and how many without entities."""
        if self.sentences is None or self.sentences_without_entities is None:
            return "text", self.texts - self.not_annotated, self.without_entities
        return "sentence", self.sentences, self.sentences_without_entities


@dataclass(frozen=True)
class MisfitKind:
    """Spans that a flat model can't learn as they are, for the same reason.

    kind (str): A key of MISFITS.
    what (str): The same in words.
    count (int): How many, in all parts.
    first (List[Occurrence]): The first of them.
    """

    kind: str
    what: str
    count: int
    first: list[Occurrence]


@dataclass(frozen=True)
class Counts:
    """The section.

    parts (Dict[str, PartCounts]): By name.
    balance (BalanceOfLabels): What the labels of the parts say when they are put side by side.
    misfits (List[MisfitKind]): Those that there are.
    """

    parts: dict[str, PartCounts]
    balance: BalanceOfLabels
    misfits: list[MisfitKind]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        said: list[str] = []
        for name, part in self.parts.items():
            said += _warnings_of_part(name, part)
            if name != "train" and 0 < part.entities < FEW_TO_SCORE:
                said.append(
                    f"{name} has {counted(part.entities, 'entity', 'entities')} only: a score on "
                    "so few is largely chance."
                )
        return said + self.balance.warnings


def find_counts(corpus: AuditedCorpus) -> Counts:
    """Count what the parts have."""
    parts = {name: _count(part) for name, part in corpus.parts.items()}
    places: dict[str, list[Occurrence]] = {}
    for text in corpus.texts():
        for kind, span in misfits(text):
            if len(first := places.setdefault(kind, [])) < MOST_PLACES:
                first.append(occurrence(text, span.start, span.end, span.label))
    return Counts(
        parts,
        find_balance({name: part.labels for name, part in parts.items()}),
        [
            MisfitKind(kind, what, sum(part.misfits.get(kind, 0) for part in parts.values()), first)
            for kind, what in MISFITS.items()
            if (first := places.get(kind, []))
        ],
    )


def misfits(text: AuditedText) -> Iterator[tuple[str, SpanRecord]]:
    """The spans that a flat model can't learn as they are, with the kind, a key of MISFITS."""
    spans = [one.span for one in text.placements]
    related = relate([(span.start, span.end, span.label) for span in spans])
    for one, its in zip(text.placements, related, strict=True):
        if one.outcome == REFUSED or REPEATED in one.done:
            yield _kind(one, its), one.span


def _kind(one: Placement, its: Relations) -> str:
    if REPEATED in one.done:
        return REPEATED
    if OVERLAPPING not in one.done:
        return MISALIGNED
    if its.shares_place:
        return "same"
    return "nested" if its.is_inner or its.has_inner else "crossing"


def _count(part: AuditedPart) -> PartCounts:
    texts = part.annotated
    marked = [text for text in texts if text.doc.has_annotation("SENT_START")]
    if all(len(text.doc) < 2 for text in marked):  # spaCy takes a single token for a sentence
        marked = []
    n_without = sum(not sentence.ents for text in marked for sentence in text.sentences())
    entities = [span for text in texts for span in text.spans]
    labels = Counter(span.label_ for span in entities)
    spans = [span for text in texts for span in text.record.spans or ()]
    kinds = Counter(kind for text in texts for kind, _ in misfits(text))
    return PartCounts(
        texts=len(part.texts),
        not_annotated=len(part.texts) - len(texts),
        empty=sum(not text.record.text.strip() for text in texts),
        without_entities=sum(not text.flat_entities for text in texts),
        partly_annotated=sum(text.record.annotated_labels is not None for text in texts),
        sentences=sum(1 for text in marked for _ in text.sentences()) if marked else None,
        sentences_without_entities=n_without if marked else None,
        tokens=sum(len(text.doc) for text in texts),
        unknown_tokens=sum(int((text.doc.to_array("ENT_IOB") == MISSING).sum()) for text in texts),
        entities=labels.total(),
        forms=len({span.text for span in entities}),
        labels=dict(sorted(labels.items(), key=lambda item: (-item[1], item[0]))),
        rejected=sum(span.status == "rejected" for span in spans),
        ignored=sum(span.status == "ignored" for span in spans),
        misfits={kind: kinds[kind] for kind in MISFITS if kinds[kind]},
    )


def _warnings_of_part(name: str, part: PartCounts) -> Iterator[str]:
    unit, n_units, n_without = part.units
    if not part.entities and (n_misfits := sum(part.misfits.values())):
        yield (
            f"{name} has no entity at all, as none of its spans fits the tokens ({n_misfits:,}): "
            "check that the tokenizer's language, --lang, is that of the texts."
        )
    elif not part.entities:
        yield f"{name} has no entity at all: check that its format and labels were read as meant."
    elif not n_without and n_units > 1 and part.tokens <= LONG_TEXT * n_units:
        yield (
            f"Every {unit} of {name} has an entity. A model that never reads one without finds "
            "entities where there are none: add such as they come."
        )
    if part.not_annotated:
        yield (
            f"{part.not_annotated:,} of the {part.texts:,} texts of {name} have no annotation, and "
            "are left out of everything here."
        )
    if part.empty:
        yield (
            f"{part.empty:,} of the {part.texts:,} texts of {name} are empty, or white space alone:"
            " take them out, or look where their text was lost."
        )
    yield from _warnings_of_tags(name, part.labels)
    # those that are not on token boundaries are the section `tokens`' to tell
    overlapping = {kind: part.misfits[kind] for kind in OVERLAPS if kind in part.misfits}
    if overlapping:
        kinds = ", ".join(f"{n:,} {MISFITS[kind]}" for kind, n in overlapping.items())
        yield (
            f"{sum(overlapping.values()):,} spans of {name} overlap longer ones, and a flat model "
            f"can't learn both: {kinds}. `convert --overlaps` says which remain, and "
            "`convert --spans-key` keeps all."
        )


def _warnings_of_tags(name: str, labels: Mapping[str, int]) -> Iterator[str]:
    if tags := [label for label in labels if _is_tag(label, labels)]:
        counted = ", ".join(f"{label!r} ({labels[label]:,})" for label in tags)
        yield (
            f"Labels of {name} that look like tags: {counted}. O is for tokens in no entity, and "
            "B-, I- and the like belong to a tag scheme: correct the tags in the file."
        )


def _is_tag(label: str, labels: Container[str]) -> bool:
    """Whether a label is O, or like B-PER beside PER or I-PER: alone it may be meant, as B-cell."""
    prefix, dash, rest = label.partition("-")
    if not dash or prefix not in _PREFIXES:
        return label == "O"
    return rest in labels or any(
        f"{other}-{rest}" in labels for other in _PREFIXES if other != prefix
    )
