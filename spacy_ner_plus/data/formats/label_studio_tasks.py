"""Label Studio's tasks with the annotations that are to be taken."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .label_studio_regions import LABELS, Regions

FIRST, ALL, AGREED = "first", "all", "agreed"
ANNOTATORS = (FIRST, ALL, AGREED)
# Of a task: who annotated it, before and since version 1.0.
_ANNOTATIONS = ("annotations", "completions")
# Of a row of JSON_MIN, what is of its annotation.
_OF_ANNOTATION = ("created_at", "updated_at", "lead_time")
_MIN_KEYS = ("annotator", "annotation_id", "completion_id", *_OF_ANNOTATION)


class Entry(NamedTuple):
    """A task, with the annotations to take of it.

    task: As it stands in the file. annotations (List[dict]): All, skipped or not; None if it is no
    task. taken (Tuple[dict, ...]): Those to take.
    is_first (bool): Whether no other entry of the same task came before.
    """

    task: Any
    annotations: list[dict[str, Any]] | None
    taken: tuple[dict[str, Any], ...] = ()
    is_first: bool = True


def tasks(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The tasks of a file, whose rows of JSON_MIN are put together where they are of one task."""
    place, rows = "", list[dict[str, Any]]()
    for where, value in values:
        is_row = is_min_row(value)
        if rows and not (is_row and value.get("id") == rows[0].get("id") is not None):
            yield place, _task_of(rows)
            rows = []
        if not is_row:
            yield where, value
            continue
        if not rows:
            place = where
        rows.append(value)
    if rows:
        yield place, _task_of(rows)


def is_min_row(value: Any) -> bool:
    """Whether it is a row of JSON_MIN, with an annotation and the task's data side by side."""
    if not isinstance(value, dict) or isinstance(value.get("data"), dict):
        return False
    return any(key in value for key in ("annotation_id", "completion_id", "annotator"))


def _task_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    task: dict[str, Any] = {"id": rows[0].get("id")}
    if "agreement" in rows[0]:
        task["agreement"] = rows[0]["agreement"]
    known = ("id", "agreement", *_MIN_KEYS)
    data = {key: one for key, one in rows[0].items() if key not in known and not _is_labelled(one)}
    return task | {
        "data": data,
        "annotations": [one for row in rows for one in _annotation_of(row)],
    }


def _annotation_of(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    results = [
        {"from_name": key, "type": next((name for name in LABELS if name in one), "labels")}
        | {"value": one}
        for key, ones in row.items()
        if _is_labelled(ones)
        for one in ones
    ]
    id = row.get("annotation_id", row.get("completion_id"))
    if id is not None or results:
        of_it = {key: row[key] for key in _OF_ANNOTATION if row.get(key) is not None}
        named = {"id": id, "completed_by": row.get("annotator")}
        yield (
            {key: one for key, one in named.items() if one is not None}
            | of_it
            | {"result": results}
        )


def _is_labelled(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(one, dict) and "start" in one and "end" in one for one in value)
        and any(key in one for one in value for key in LABELS)
    )


def annotations_of(task: Any) -> list[dict[str, Any]]:
    """The annotations of a task, skipped or not. RAISES ValueError: It is none."""
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise ValueError(
            f"a task of Label Studio has its texts in an object 'data', got {str(task)[:80]}."
        )
    key = _ANNOTATIONS[0] if task.get(_ANNOTATIONS[0]) is not None else _ANNOTATIONS[1]
    found = task.get(key)
    found = [] if found is None else found
    if not isinstance(found, list) or not {*map(type, found)} <= {dict}:
        raise ValueError(
            f"{key} must be a list of objects, got {str(found)[:80]}. Export the project as JSON."
        )
    for i, one in enumerate(found):
        if not isinstance(one.get("result"), list):
            raise ValueError(
                f"{key}[{i}] must have a list 'result', got {str(one.get('result'))[:80]}."
            )
    return found


def is_skipped(annotation: dict[str, Any]) -> bool:
    """Whether the annotator skipped the task."""
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def entries_of(where: str, task: Any, annotator: str) -> Iterator[tuple[str, Entry]]:
    """A task, or one for each of its annotators, with where it is."""
    try:
        found = annotations_of(task)
    except ValueError:  # the reader says it, with all that is wrong in the file
        yield where, Entry(task, None)
        return
    done = [one for one in found if not is_skipped(one)]
    if annotator == FIRST and len(done) > 1:
        done = [next((one for one in done if one.get("ground_truth")), done[0])]
    if annotator == AGREED or len(done) < 2:
        yield where, Entry(task, found, tuple(done))
    else:
        for i, one in enumerate(done):
            yield f"{where}, annotation {i + 1}", Entry(task, found, (one,), is_first=i == 0)


def count_left(
    task: dict[str, Any],
    annotations: list[dict[str, Any]],
    annotator: str,
    counts: Counter[str],
    *,
    is_predicted: bool,
) -> None:
    """Count what of a task is passed over, and what is odd about it.

    annotations: All of the task. annotator (str): One of ANNOTATORS.
    is_predicted (bool): Its first prediction is taken.
    """
    n_skipped = sum(map(is_skipped, annotations))
    n_done = len(annotations) - n_skipped
    if not annotations:
        counts["tasks without annotation"] += 1
    elif not n_done:
        counts["tasks that were skipped, taken for unknown"] += 1
    for what, n in (
        ("skipped annotations passed over", n_skipped if n_done else 0),
        ("further annotations passed over", n_done - 1 if annotator == FIRST else 0),
        ("tasks annotated more than once", int(n_done > 1)),
        ("predictions taken as undecided", int(is_predicted)),
        ("predictions passed over", _n_of(task.get("predictions")) - is_predicted),
        ("drafts passed over", _n_of(task.get("drafts"))),
    ):
        if n > 0:
            counts[what] += n


def _n_of(values: Any) -> int:
    return len(values) if isinstance(values, list) else 0


def agreed(found: list[Regions], counts: Counter[str]) -> Regions:
    """What all annotations say; where they differ, nothing is known."""
    if len(found) == 1:
        return found[0]
    keys = [[_key(span) for span in one.spans] for one in found]
    common = set(keys[0]).intersection(*keys[1:])
    differing = list(dict.fromkeys(key for one in keys for key in one if key not in common))
    counts["spans that all annotators have"] += len(common)
    counts["spans that not all annotators have, taken for unknown"] += len(differing)
    spans = [span for span in found[0].spans if _key(span) in common]
    relations = set(_relation_keys(found[0])).intersection(*map(_relation_keys, found[1:]))
    kept = [
        relation
        for relation, key in zip(found[0].relations, _relation_keys(found[0]), strict=True)
        if key in relations and key[0] in common and key[1] in common
    ]
    if n_others := sum(len(one.relations) for one in found) - len(kept) * len(found):
        counts["relations that not all annotators have passed over"] += n_others
    unknown = [[start, end] for start, end, _ in differing]
    unknown += [stretch for one in found for stretch in one.unknown]
    return Regions(
        spans,
        kept,
        [list(one) for one in dict.fromkeys(map(tuple, unknown))],
        all(one.is_whole for one in found),
        found[0].others,
    )


def _key(span: dict[str, Any]) -> tuple[Any, Any, Any]:
    return span["start"], span["end"], span["label"]


def _relation_keys(found: Regions) -> list[tuple[Any, Any, Any]]:
    keys = {span["id"]: _key(span) for span in found.spans if "id" in span}
    return [(keys[one["head"]], keys[one["tail"]], one["label"]) for one in found.relations]
