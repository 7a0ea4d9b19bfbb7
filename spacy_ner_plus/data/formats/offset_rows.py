"""Rows of JSON with a text and character offsets, as people write them, as rows of our schema.

The entities of a row are under one of KEYS: objects, as docs/records.md has them, or lists of
start, end and label. A row may also be a list of the text and an object, as spaCy 2 had it. Other
keys are kept, but for those of doccano, which get our names, and what Prodigy says of a whole row:
if its answer is "reject" or "ignore", nothing is known about its entities.
"""

from typing import Any

from ...records import SCHEMA_VERSION, VERSION

SPANS = "spans"
LABELS = ("label", "labels")
KEYS = (SPANS, "entities", *LABELS)
# Of Prodigy.
ANSWER = "answer"
NO_ANSWERS = ("reject", "ignore")
# Of doccano.
SPAN_NAMES = {"start_offset": "start", "end_offset": "end"}
RELATION_NAMES = {"from_id": "head", "to_id": "tail", "type": "label"}


class LabelUse:
    """What `label` and `labels` are used for in a file: entities, or what a text is about."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, bool], str] = {}

    def check(self, where: str, row: dict[str, Any]) -> None:
        """An empty list of labels says that there are no entities, unless labels are of texts.

        RAISES ValueError: They are used for both in a file.
        """
        if row.get(VERSION) is not None:
            return
        for key in LABELS:
            if (value := row.get(key)) is not None:
                use = holds_spans(key, value)
                self._places.setdefault((key, use), where)
                if (key, not use) in self._places:
                    places = [self._places[key, of_spans] for of_spans in (True, False)]
                    raise ValueError(
                        f"{places[0]}: '{key}' is a list of entities, perhaps an empty one, but in "
                        f"{places[1]} it says something else: give it another name there."
                    )


def own_row(row: Any) -> tuple[dict[str, Any], str | None, str]:
    """A row as one of our schema, where its entities were, and that in words.

    RAISES (ValueError): What is wrong, where in the row, and what to do.
    """
    row = as_object(row)
    key = _key_of_spans(row)
    if key is None:
        return row, None, "rows without annotation"
    if row.get(VERSION) is None:
        if (answer := row.get(ANSWER)) in NO_ANSWERS:
            bare = {name: value for name, value in row.items() if name not in (key, "relations")}
            return bare, None, f"rows with answer {answer!r}, taken for unknown"
        row = with_our_names(row, key)
    spans = row[key]
    if not isinstance(spans, list):
        raise ValueError(f"{key} must be a list, got {str(spans)[:80]}.")
    if list not in map(type, spans):
        form = f"rows with '{key}'"
    else:
        form = f"rows with '{key}' as [start, end, label]"
        spans = [
            {"start": span[0], "end": span[1], "label": span[2]}
            if type(span) is list and len(span) == 3
            else as_span(f"{key}[{i}]", span)
            for i, span in enumerate(spans)
        ]
    row = row.copy()
    del row[key]
    row[SPANS] = spans
    return row, key, form


def as_object(row: Any) -> dict[str, Any]:
    """A row as an object. RAISES ValueError: It is none, and no pair of spaCy 2."""
    is_pair = isinstance(row, list) and len(row) == 2
    if is_pair and isinstance(row[0], str) and isinstance(row[1], dict) and "text" not in row[1]:
        return {"text": row[0], **row[1]}
    if not isinstance(row, dict):
        raise ValueError(
            f"a row is an object, or a list of a text and an object, got {str(row)[:80]}."
        )
    return row


def _key_of_spans(row: dict[str, Any]) -> str | None:
    """Where the entities of a row are."""
    if row.get(VERSION) is not None:
        return SPANS if row.get(SPANS) is not None else None
    found = [key for key in KEYS if key in row and holds_spans(key, row[key])]
    if len(found) > 1:
        raise ValueError(
            f"it has entities under {' and '.join(map(repr, found))}: leave one of them out, or "
            f"say with \"{VERSION}\": {SCHEMA_VERSION} that '{SPANS}' is meant."
        )
    return found[0] if found else None


def holds_spans(key: str, value: Any) -> bool:
    """A label may also be what a whole text is about, or a list of such."""
    if key not in LABELS:
        return value is not None
    return isinstance(value, list) and all(isinstance(one, (list, dict)) for one in value)


def with_our_names(row: dict[str, Any], key: str) -> dict[str, Any]:
    """With our names in its spans and relations."""
    for name, names in ((key, SPAN_NAMES), ("relations", RELATION_NAMES)):
        values = row.get(name)
        if isinstance(values, list) and dict in map(type, values):
            row = row | {name: [_renamed(one, names) for one in values]}
    return row


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """An object with other names of keys, unless it has one of those already."""
    if not isinstance(value, dict) or value.keys().isdisjoint(names):
        return value
    if any(new in value for new in names.values()):
        return value
    return {names.get(key, key): one for key, one in value.items()}


def as_span(where: str, span: Any) -> Any:
    """A list of start, end and label as an object. RAISES ValueError: It has not three elements."""
    if not isinstance(span, list):
        return span
    if len(span) != 3:
        raise ValueError(f"{where} must be [start, end, label], got {str(span)[:80]}.")
    return dict(zip(("start", "end", "label"), span, strict=True))
