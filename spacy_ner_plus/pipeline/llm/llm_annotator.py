"""From what a language model said to what stands on Docs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from spacy.tokens import Doc

from ...models.decoding.entities import Entities
from ..annotating import Annotator
from ..llm_reading.read_text import ReadText, ungrounded

REPORT = "llm_report"
"""doc._.llm_report says how entities were found, and what was named but not found."""


@dataclass(frozen=True)
class LlmEntities(Entities):
    """Entities with what else is known.

    unknown: (n_tokens,) bool, tokens on which there may be more. report (Dict): For the Doc.
    """

    unknown: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    report: Mapping[str, Any] = field(default_factory=dict)


def register_report() -> None:
    """Register doc._.llm_report, unless somebody has. Its value is plain data."""
    if not Doc.has_extension(REPORT):
        Doc.set_extension(REPORT, default=None)


def report_of(read: ReadText) -> dict[str, Any]:
    """What is left of a reading beside its entities and their probabilities."""
    return {
        "groundings": [[*span.key, span.grounding] for span in read.spans],
        "left_out": [[*span.key, span.probability] for span in read.left_out],
        "ungrounded": ungrounded(read),
        "counts": dict(read.counts),
    }


class LlmAnnotator(Annotator):
    """Writes what a language model said to Docs. See Annotator.

    Tokens of which nothing is known are missing, not outside of entities.
    """

    def write(self, doc: Doc, entities: Entities) -> None:
        """See Annotator.write."""
        super().write(doc, entities)
        if not isinstance(entities, LlmEntities):
            return
        register_report()
        doc._.set(REPORT, dict(entities.report))
        is_free = np.array([token.ent_iob_ == "O" for token in doc], dtype=bool)  # (n_tokens,)
        missing = np.flatnonzero(entities.unknown & is_free).tolist()
        if missing:
            doc.set_ents([], missing=[doc[i : i + 1] for i in missing], default="unmodified")
