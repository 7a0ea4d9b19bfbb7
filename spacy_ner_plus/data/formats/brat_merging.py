"""What a .ann file says, put together with what DOCUMENTS has of the same text."""

from collections.abc import Iterator
from typing import Any

from .brat_lines import BratLine


def check_of(line: BratLine) -> list[Any]:
    """What a line says, by which it is known again after it was written."""
    if line.kind == "T":
        return [line.label, *(list(one) for one in line.fragments)]
    return [line.label, *line.targets]


def merged(
    row: dict[str, Any], stored: dict[str, Any], checks: dict[str, list[Any]]
) -> dict[str, Any]:
    """A row with what DOCUMENTS has of it, as far as brat has not changed it since."""
    lists = {key: stored.get(key) for key in ("spans", "relations")}
    merged = row | {key: value for key, value in stored.items() if key not in lists}
    if meta := stored.get("meta", {}) | row.get("meta", {}):
        merged["meta"] = meta
    known = stored.get("unknown", [])
    unknown = [*known, *(one for one in row.get("unknown", []) if one not in known)]
    if unknown:
        merged["unknown"] = unknown
    if "spans" not in row:
        return merged
    ends = {one[side] for one in row.get("relations", []) for side in ("head", "tail")}
    ids: dict[Any, Any] = {}
    merged["spans"] = []
    for span in _in_order(row["spans"], lists["spans"], checks):
        line_id = span.pop("line", None)
        if span.get("id") is None and line_id in ends:
            span["id"] = line_id
        ids.setdefault(line_id, span.get("id"))
        merged["spans"].append(span)
    merged["relations"] = []
    for one in _in_order(row.get("relations", []), lists["relations"], checks):
        if one.pop("line", None) is not None:
            one = {**one, "head": ids[one["head"]], "tail": ids[one["tail"]]}
        merged["relations"].append(one)
    there = {span.get("id") for span in merged["spans"]}
    merged["relations"] = [
        one for one in merged["relations"] if one["head"] in there and one["tail"] in there
    ]
    return merged


def _in_order(
    read: list[dict[str, Any]], stored: list[Any] | None, checks: dict[str, list[Any]]
) -> Iterator[dict[str, Any]]:
    """Spans or relations of a .ann file, each with the id of its line, and those stored apart."""
    left = {str(one["id"]): one for one in read if "id" in one}
    for line_id, check, more in stored or ():
        if line_id is None:
            yield dict(more)
        elif (one := left.pop(line_id, None)) is not None:
            if checks[line_id] == check:
                meta = more.get("meta", {}) | one.get("meta", {})
                one = one | more | ({"meta": meta} if meta else {})
            yield one | {"line": line_id}
    for one in read:
        if "id" not in one:
            yield dict(one)
        elif str(one["id"]) in left:
            yield one | {"line": one["id"]}
