"""JSON_MIN, Label Studio's short export: the data of a task and its regions side by side."""

from collections import Counter
from typing import Any

from ...records import TextRecord
from .label_studio_regions import RELATION, SAME_REGION

_OF_ANNOTATION = ("created_at", "updated_at", "lead_time")


def min_row(
    record: TextRecord, task: dict[str, Any], number: int, lost: Counter[str]
) -> dict[str, Any]:
    """The row of a task. What it has no place for is counted.

    number (int): The annotation's id, if it has none.
    RAISES (ValueError): The row would say something else than the record.
    """
    if record.unknown or record.annotated_labels is not None:
        raise ValueError(
            "its annotation is not complete, and JSON_MIN can't say so: complete it, leave the "
            "record out, or write JSON."
        )
    if any(span.status == "ignored" for span in record.spans or ()):
        raise ValueError("it has ignored spans, and JSON_MIN can't say so: decide, or write JSON.")
    annotation: dict[str, Any] = next(iter(task.get("annotations", [])), {})
    is_done = record.spans is not None
    row = dict(task["data"])
    if record.id is not None:
        _add(row, "id", record.id)
    for result in annotation.get("result", []) if is_done else []:
        if result.get("type") == RELATION or "from_name" not in result:
            lost["relations and results without a tag"] += 1
            continue
        if isinstance(row.setdefault(result["from_name"], []), str):
            raise ValueError(f"its data has a {result['from_name']!r}, as the tag is called.")
        row[result["from_name"]].append(result["value"])
    _add(row, "annotator", annotation.get("completed_by"))
    _add(row, "annotation_id", annotation.get("id", number) if is_done else None)
    for key in _OF_ANNOTATION:
        _add(row, key, annotation.get(key))
    lost.update(_lost(record))
    return row


def _add(row: dict[str, Any], key: str, value: Any) -> None:
    if key in row:
        raise ValueError(f"its data has a {key!r}, which JSON_MIN has for something else.")
    row[key] = value


def _lost(record: TextRecord) -> list[str]:
    row = record.to_json()
    lost: list[str] = [key for key in ("tokens", "blocked", "meta") if key in row]
    lost += [key for key in record.other if key not in ("data", "text_field", "annotation")]
    for span in record.spans or ():
        lost += ["rejected spans"] * (not span.is_accepted)
        lost += [
            f"{key} of spans"
            for key in ("probability", "id", "kb_id", "grounding", "meta")
            if getattr(span, key) not in (None, {})
        ]
        kept = ("from_name", "to_name", "type", "value", SAME_REGION)
        lost += [f"{key} of spans" for key in span.other if key not in kept]
    return lost
