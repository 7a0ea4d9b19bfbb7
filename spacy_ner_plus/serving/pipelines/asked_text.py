"""A text whose entities are asked for."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ...records import SpanRecord, TextRecord
from ..batching.work_units import work_units


@dataclass(frozen=True, slots=True)
class AskedText:
    """What a model gets of a record. Equal ones have the same answer.

    text (str): The text.
    annotation (str): Its tokens, entities and blocked stretches, as JSON; empty if there are none.
    alternatives (int): How many readings of each sentence are wanted; 0 for none.
    record (TextRecord): The record.
    units (int): How much work it is: see work_units.
    """

    text: str
    annotation: str
    alternatives: int
    record: TextRecord = field(compare=False)
    units: int = field(compare=False)

    @classmethod
    def of(cls, record: TextRecord, alternatives: int = 0) -> Self:
        """What is asked with a record.

        alternatives (int): They take another run of the model, and count as much.
        """
        annotation = ""
        if record.spans or record.tokens or record.blocked or record.unknown:
            known = replace(record, id=None, meta={}, relations=(), other={}).to_json()
            annotation = json.dumps({**known, "text": None}, sort_keys=True)
        units = work_units(record.text) * (2 if alternatives else 1)
        return cls(record.text, annotation, alternatives, record, units)

    @property
    def has_entities(self) -> bool:
        """Whether entities or blocked stretches are given."""
        return bool(self.record.spans or self.record.blocked)


@dataclass(frozen=True, slots=True)
class FoundEntities:
    """What a model found in a text. Several requests may share it: nobody changes it.

    spans (Tuple[SpanRecord, ...]): Its entities from left to right.
    sentences (Tuple[Dict, ...]): The readings of its sentences, as `predict --k-best` has them;
        None if none were wanted.
    """

    spans: tuple[SpanRecord, ...]
    sentences: tuple[dict[str, Any], ...] | None = None


class RecordFaultError(ValueError):
    """A record that the pipeline can't take as it is: the fault of who sent it.

    where (str): In the record, such as "spans[0]"; empty for all of it.
    """

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where
