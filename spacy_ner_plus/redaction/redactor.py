"""The core: entities of a Doc or a record, and the text without them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..pipeline.thresholds import Threshold, read_threshold
from ..records import TextRecord
from .hidden_stretches import united, with_repeated, without_margins
from .redacted_text import FOUND, HiddenStretch, RedactedText, Replacement
from .substitutes import Masks, Substitutes


@dataclass(frozen=True)
class Redactor:
    """Takes entities out of texts.

    substitutes (Substitutes): What stands in their place.
    labels (Optional[FrozenSet[str]]): The types that are taken out; None for all.
    threshold (Union[float, Dict[str, float], None]): Entities with a lower probability stay, one
        value for all types or one for each. Those whose probability is not known go.
    repeated (bool): Whether everything in a document that has the words of an entity that is taken
        out goes, too: whole words, whatever their case.
    RAISES ValueError: A threshold is no probability, or one of a type that stays.
    """

    substitutes: Substitutes = field(default_factory=Masks)
    labels: frozenset[str] | None = None
    threshold: Threshold = None
    repeated: bool = True

    def __post_init__(self) -> None:
        threshold = read_threshold(self.threshold)
        object.__setattr__(self, "threshold", threshold)
        of_types = threshold if isinstance(threshold, Mapping) else {}
        others = [] if self.labels is None else sorted(set(of_types) - self.labels)
        if others:
            raise ValueError(
                f"There are thresholds for {others}, which are not redacted: labels are "
                f"{sorted(self.labels or ())}."
            )

    def redact(
        self,
        given: Doc | TextRecord,
        source: EntitySource = DOC_ENTS,
        likely: Iterable[HiddenStretch] = (),
    ) -> RedactedText:
        """The text of a document without its entities.

        given (Union[Doc, TextRecord]): It, with its entities, which may nest and overlap: those
            that overlap go together. Of a record, those that are accepted.
        source (EntitySource): Where a Doc has them.
        likely (Iterable[HiddenStretch]): What goes besides: see likely_stretches.
        RAISES ValueError: Nothing is known of the entities of a record.
        """
        return self.replaced(given.text, self.hidden(given, source, likely))

    def replaced(self, text: str, hidden: Sequence[HiddenStretch]) -> RedactedText:
        """A text with substitutes in the place of stretches, of which none overlap."""
        parts, made, originals, at, length = [], [], [], 0, 0
        for one in hidden:
            original = text[one.start : one.end]
            new, without_surrogate = self.substitutes.of(original, one.label)
            parts += [text[at : one.start], new]
            start = length + one.start - at
            length, at = start + len(new), one.end
            made.append(Replacement(one, start, length, without_surrogate))
            originals.append(original)
        return RedactedText("".join([*parts, text[at:]]), tuple(made), tuple(originals))

    def hidden(
        self,
        given: Doc | TextRecord,
        source: EntitySource = DOC_ENTS,
        likely: Iterable[HiddenStretch] = (),
    ) -> list[HiddenStretch]:
        """The stretches that go, from left to right; none overlap. Arguments: See redact."""
        entities, cuts = entities_of(given, source)
        return self.hidden_of(given.text, [*entities, *likely], cuts)

    def hidden_of(
        self, text: str, entities: Iterable[HiddenStretch], cuts: Iterable[int] = ()
    ) -> list[HiddenStretch]:
        """As hidden, of entities that are known. cuts (Iterable[int]): The edges of tokens."""
        trimmed = (without_margins(text, one) for one in entities if self.goes(one))
        going = [one for one in trimmed if one is not None]
        return with_repeated(text, going, cuts) if self.repeated else united(going)

    def least(self, label: str) -> float | None:
        """The threshold of a type; None if there is none, or it stays."""
        if self.labels is not None and label not in self.labels:
            return None
        if isinstance(self.threshold, Mapping):
            return self.threshold.get(label)
        return self.threshold

    def goes(self, one: HiddenStretch) -> bool:
        """Whether an entity is taken out, by its type and its probability."""
        if self.labels is not None and one.label not in self.labels:
            return False
        least = self.least(one.label)
        return least is None or one.probability is None or one.probability >= least


def entities_of(
    given: Doc | TextRecord, source: EntitySource = DOC_ENTS
) -> tuple[list[HiddenStretch], list[int]]:
    """The entities of a document, and the edges of its tokens.

    RAISES ValueError: Nothing is known of the entities of a record.
    """
    if isinstance(given, Doc):
        found = [
            HiddenStretch(span.start_char, span.end_char, span.label_, FOUND, probability)
            for span, probability in source.scored(given)
        ]
        return found, _edges([(token.idx, token.idx + len(token)) for token in given])
    if given.spans is None:
        raise ValueError(
            "Nothing is known of the entities of a record: its spans are null, so that none can be "
            "taken out. An empty list says that it has none."
        )
    found = [
        HiddenStretch(span.start, span.end, span.label, FOUND, span.probability)
        for span in given.spans
        if span.is_accepted
    ]
    return found, _edges([(token.start, token.end) for token in given.tokens or ()])


def _edges(places: Sequence[tuple[int, int]]) -> list[int]:
    return [edge for place in places for edge in place]
