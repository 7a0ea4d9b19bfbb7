"""Spans of a row that have no place in its text: set aside, where that is wanted."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class UnsoundSpan:
    """A span that can't be in a record.

    span (Dict[str, Any]): As the row has it, in characters.
    message (str): What is wrong with it.
    """

    span: dict[str, Any]
    message: str


def without_unsound(row: dict[str, Any]) -> tuple[dict[str, Any], list[UnsoundSpan]]:
    """A row of our schema without spans that are empty, not within its text, or have another text.

    If there are any, something is annotated nobody knows where: outside of the other spans, the
    row's text is unknown. Relations of such spans are left out. What is wrong in another way, such
    as offsets that are no numbers, is left for TextRecord to refuse.
    """
    text, spans = row.get("text"), row.get("spans")
    if not isinstance(text, str) or not isinstance(spans, list):
        return row, []
    kept: list[Any] = []
    unsound: list[UnsoundSpan] = []
    for i, span in enumerate(spans):
        problem = _problem(text, span)
        if problem is None:
            kept.append(span)
        else:
            unsound.append(UnsoundSpan(span, f"spans[{i}]: {problem}"))
    if not unsound:
        return row, []
    gone = [one.span.get("id") for one in unsound if one.span.get("id") is not None]
    left = {**row, "spans": kept}
    if text and any(one.span.get("status") != "rejected" for one in unsound):
        left["unknown"] = [[0, len(text)]]
    if isinstance(row.get("relations"), list):
        left["relations"] = [
            one
            for one in row["relations"]
            if not isinstance(one, dict) or not {one.get("head"), one.get("tail")} & set(gone)
        ]
    return left, unsound


def _problem(text: str, span: Any) -> str | None:
    """Why a span has no place in a text; None if it has."""
    if not isinstance(span, dict):
        return None
    start, end, covered = span.get("start"), span.get("end"), span.get("text")
    if type(start) is not int or type(end) is not int:
        return None
    if not 0 <= start < end:
        return f"characters {start}-{end} are none"
    if end > len(text):
        return f"characters {start}-{end} are not within the text of {len(text)} characters"
    if isinstance(covered, str) and covered != text[start:end]:
        found = text[start:end]
        return f"its text is {covered!r:.80}, but characters {start}-{end} are {found!r:.80}"
    return None
