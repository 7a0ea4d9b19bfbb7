"""How a result stands in a row of JSON Lines or Parquet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..records import SCHEMA_VERSION, TextRecord

RECORDS, OLD = "records", "0.4"


@dataclass(frozen=True)
class RowForm:
    """A form of rows.

    name (str): What tells it from others, when a run goes on.
    make (Callable[[TextRecord], Dict[str, Any]]): A row of a record.
    key (str): Where the entities are in a row.
    columns (Tuple[str, ...]): What a table has of an entity.
    """

    name: str
    make: Callable[[TextRecord], dict[str, Any]]
    key: str
    columns: tuple[str, ...]


def _old_row(record: TextRecord) -> dict[str, Any]:
    """A row as version 0.4 wrote it."""
    entities = [
        {
            "text": span.text,
            "label": span.label,
            "start": span.start,
            "end": span.end,
            "probability": span.probability,
        }
        for span in record.spans or ()
    ]
    other = dict(record.other)
    head = {"id": record.id, "row": other.pop("row"), "text": record.text}
    return head | {"entities": entities} | other


FORMS = {
    RECORDS: RowForm(
        f"records, version {SCHEMA_VERSION}",
        TextRecord.to_json,
        "spans",
        ("start", "end", "label", "text", "probability", "id", "kb_id"),
    ),
    OLD: RowForm(OLD, _old_row, "entities", ("text", "label", "start", "end", "probability")),
}


def form_of_rows(name: str) -> RowForm:
    """RAISES ValueError: If there is no such form."""
    if name not in FORMS:
        raise ValueError(f"--rows {name} must be one of {', '.join(FORMS)}.")
    return FORMS[name]
