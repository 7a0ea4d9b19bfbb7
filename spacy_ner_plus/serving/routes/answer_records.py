"""Records with what was found in them, as they are sent back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...records import SpanRecord, TextRecord
from ..pipelines.asked_text import FoundEntities

Threshold = float | Mapping[str, float] | None


@dataclass(frozen=True)
class WantedSpans:
    """Which of the entities that were found are sent back.

    threshold: The least probability, of all or by label. An entity without a probability stays.
    labels (Collection[str]): Their types; None for all.
    """

    threshold: Threshold = None
    labels: Collection[str] | None = None

    def has(self, span: SpanRecord) -> bool:
        """Whether an entity is one of them."""
        if self.labels is not None and span.label not in self.labels:
            return False
        if self.threshold is None or span.probability is None:
            return True
        if isinstance(self.threshold, Mapping):
            return span.probability >= self.threshold.get(span.label, 0.0)
        return span.probability >= self.threshold


def answer_record(
    record: TextRecord, found: FoundEntities, wanted: WantedSpans
) -> tuple[dict[str, Any], list[str]]:
    """A record of an answer, and the labels of its entities.

    It has what the request's says, but for relations and unknown stretches, which are of entities
    that somebody annotated.
    """
    spans = [span for span in found.spans if wanted.has(span)]
    row: dict[str, Any] = {} if record.id is None else {"id": record.id}
    row |= {"text": record.text, "spans": [span.to_json() for span in spans]}
    if record.meta:
        row["meta"] = record.meta
    if record.tokens is not None:
        row["tokens"] = [token.to_json() for token in record.tokens]
    if record.blocked:
        row["blocked"] = [list(stretch) for stretch in record.blocked]
    if found.sentences is not None:
        row["sentences"] = list(found.sentences)
    return {**record.other, **row}, [span.label for span in spans]
