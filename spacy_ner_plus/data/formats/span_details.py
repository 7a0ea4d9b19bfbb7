"""What a tool has no place for in its entities, in a key of ours beside them.

`spans` has all spans of the record then, as docs/records.md has them. A tool passes over it; if it
changed its own entities since, they are what counts, and the details are not used.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...records import SpanRecord
from .json_rows import objects_at

DETAILS = "spans"
_HELD = {"start", "end", "label"}


def details_of(spans: Sequence[SpanRecord]) -> dict[str, Any]:
    """The key, if some spans say more than their place and label."""
    rows = [span.to_json() for span in spans]
    return {DETAILS: rows} if any(row.keys() - _HELD for row in rows) else {}


def take_details(
    row: dict[str, Any], found: list[dict[str, Any]] | None, counts: Counter[str]
) -> list[dict[str, Any]] | None:
    """The spans of a row, with their details if there are any; the key is taken out of it.

    found (List[Dict[str, Any]]): Those that the tool has, as rows of our schema.
    """
    details = list(objects_at(row, DETAILS))
    if row.pop(DETAILS, None) is None:
        return found
    if _places(accepted(details)) == _places(found or []):
        return details
    counts["details of changed entities passed over"] += 1
    return found


def accepted(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are entities."""
    return [one for one in spans if one.get("status") in (None, "accepted")]


def _places(spans: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(((one.get("start"), one.get("end"), one.get("label")) for one in spans), key=str)
