"""Each gold and predicted entity with whether it is right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .documents import Document, Entity
from .errors import CORRECT, Finding


@dataclass(frozen=True, slots=True)
class Judged:
    """An entity of either side.

    document (Document): Where it is.
    right (bool): Of a gold entity, whether it was found; of a predicted one, whether it is correct:
        with exactly this span and label.
    """

    document: Document
    entity: Entity
    right: bool

    @property
    def n_tokens(self) -> int:
        """How many tokens the entity has."""
        return self.entity.end - self.entity.start

    @property
    def text(self) -> str:
        """The entity as it stands in the document."""
        return self.document.text[self.entity.start_char : self.entity.end_char]


def judge(
    documents: Sequence[Document], findings: Iterable[Finding]
) -> tuple[list[Judged], list[Judged]]:
    """All gold entities and all predicted ones, each from left to right.

    findings (Iterable[Finding]): Of these documents: see errors.find_errors.
    """
    correct = [finding for finding in findings if finding.kind == CORRECT]
    right = {id(entity) for f in correct for entity in (*f.gold, *f.predicted)}
    gold = [Judged(doc, entity, id(entity) in right) for doc in documents for entity in doc.gold]
    predicted = [
        Judged(doc, entity, id(entity) in right) for doc in documents for entity in doc.predicted
    ]
    return gold, predicted
