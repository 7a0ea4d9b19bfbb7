"""Results of Label Studio's annotations as spans and relations of our rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...records import RelationRecord, SpanRecord, keys_of
from .label_studio_config import FROM_NAME, TO_NAME
from .label_studio_text import LabelledText

# The key, in a region's or task's `meta`, of what records have and Label Studio has no place for.
OURS = "spacy_ner_plus"
# Ids of regions whose spans have none.
MADE_ID = "ner-plus-"
# Of a span whose region has another label too: that region's id.
SAME_REGION = "same_region_as"
RELATION = "relation"
NO_LABEL = "relation"
LABELS = ("labels", "hypertextlabels", "paragraphlabels")
_OF_TEXT = (*LABELS, "text", "hypertext", "richtext", "paragraphs")
PLACE = {"start", "end", "text", "startOffset", "endOffset", "globalOffsets"}
_SPAN_KEYS, _RELATION_KEYS = keys_of(SpanRecord), keys_of(RelationRecord)


@dataclass
class Regions:
    """What an annotation says of a text.

    spans, relations (List[dict]): As in rows. unknown (List[list]): Where it is not known what is
    there. is_whole (bool): Whether all that it says was placed in the text.
    others (List[dict]): Results that are no stretches, as they are.
    """

    spans: list[dict[str, Any]] = field(default_factory=list)
    relations: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[list[Any]] = field(default_factory=list)
    is_whole: bool = True
    others: list[dict[str, Any]] = field(default_factory=list)


def is_region(result: dict[str, Any]) -> bool:
    """Whether a result is a stretch of a text, labelled or not."""
    value = result.get("value")
    if not isinstance(value, dict) or "start" not in value or "end" not in value:
        return False
    if any(key in value for key in LABELS):
        return True
    return result.get("type") in _OF_TEXT and value.keys() <= PLACE


def check_names(regions: list[dict[str, Any]], label_fields: tuple[str, ...]) -> None:
    """RAISES ValueError: Regions are labelled by several tags, or are of several texts."""
    for key, option in (("from_name", "label_field"), ("to_name", "ls_config and label_field")):
        names = list(dict.fromkeys(str(one.get(key)) for one in regions if one.get(key)))
        if len(names) > 1 and not (key == "from_name" and label_fields):
            raise ValueError(
                f"its regions have the {key} {' and '.join(map(repr, names))}: say with {option} "
                "which to take."
            )


def read_regions(
    results: list[Any],
    text: LabelledText,
    is_wanted: Callable[[dict[str, Any]], bool],
    counts: Counter[str],
) -> Regions:
    """What results say of a text. What is passed over is counted.

    is_wanted (Callable): Whether a region is of the tag and text that are taken.
    RAISES (ValueError): A result is none.
    """
    found = Regions()
    ids: dict[Any, list[dict[str, Any]]] = {}
    others: list[dict[str, Any]] = []
    for i, result in enumerate(results):
        if not isinstance(result, dict):
            raise ValueError(f"result[{i}] must be an object, got {str(result)[:80]}.")
        if is_region(result):
            if not is_wanted(result):
                counts["regions of other tags passed over"] += 1
                continue
            try:
                _read_region(result, text, found, ids, counts)
            except ValueError as error:
                raise ValueError(f"result[{i}]: {error}") from None
        elif result.get("type") != RELATION:
            counts[f"results of type {str(result.get('type'))!r} passed over"] += 1
            others.append(result)
    # where others are, in the file's unit, their regions know better
    found.others = [one for one in others if not _has_place(one) or one.get("id") in ids]
    for result in results:
        if not is_region(result) and result.get("type") == RELATION:
            _read_relation(result, found, ids, counts)
    return found


def _has_place(result: dict[str, Any]) -> bool:
    value = result.get("value")
    return isinstance(value, dict) and not PLACE.isdisjoint(value)


def _read_region(
    result: dict[str, Any],
    text: LabelledText,
    found: Regions,
    ids: dict[Any, list[dict[str, Any]]],
    counts: Counter[str],
) -> None:
    value = result["value"]
    place = text.find(value)
    if place is None:
        counts["regions whose place is not in the text, which is unknown there"] += 1
        found.is_whole = False
        return
    labels_key = next((key for key in LABELS if value.get(key)), None)
    labels = value[labels_key] if labels_key else []
    if not isinstance(labels, list):
        raise ValueError(f"its labels must be a list, got {str(labels)[:80]}.")
    if not labels:
        counts["regions without a label, taken for unknown"] += 1
        found.unknown.append([place.start, place.end])
        return
    span = {"start": place.start, "end": place.end, "text": place.text, "label": labels[0]}
    span |= _rest_of_region(result, text, labels_key, counts)
    id = result.get("id")
    if id is not None:
        ids.setdefault(id, []).append(span)
    found.spans.append(span)
    for label in labels[1:]:
        counts["further labels of regions, a span each"] += 1
        other = {key: one for key, one in span.items() if key != "id"}
        found.spans.append(other | {"label": label, SAME_REGION: id})


def _rest_of_region(
    result: dict[str, Any], text: LabelledText, labels_key: str | None, counts: Counter[str]
) -> dict[str, Any]:
    meta, ours = split_meta(result)
    rest = _other_keys(result, _SPAN_KEYS, "regions", counts)
    if is_probability(score := rest.get("score")):
        rest["probability"] = rest.pop("score")
    elif score is None:
        rest.pop("score", None)
    for key, usual in (("from_name", FROM_NAME), ("to_name", TO_NAME), ("type", text.labels_key)):
        if rest.get(key) in (usual, None):
            rest.pop(key, None)
    value = {key: one for key, one in result["value"].items() if key not in PLACE | {labels_key}}
    if value:
        rest["value"] = value
    else:
        rest.pop("value", None)
    if (id := result.get("id")) is not None and not is_made(id):
        rest["id"] = id
    rest |= {"meta": meta} if meta else {}
    return _with_ours(rest, ours)


def _read_relation(
    result: dict[str, Any],
    found: Regions,
    ids: dict[Any, list[dict[str, Any]]],
    counts: Counter[str],
) -> None:
    ends = [ids.get(result.get(key), []) for key in ("from_id", "to_id")]
    if any(len(one) != 1 for one in ends):
        counts["relations passed over"] += 1
        return
    meta, ours = split_meta(result)
    rest = _other_keys(result, _RELATION_KEYS, "relations", counts)
    labels = rest.pop("labels", None) or []
    for key in ("from_id", "to_id", "type"):
        rest.pop(key, None)
    # a region whose id was made up by writing gets it where somebody has put a relation to it
    head, tail = (
        one[0].setdefault("id", result[key])
        for one, key in zip(ends, ("from_id", "to_id"), strict=True)
    )
    if rest.get("direction") in ("right", None):
        rest.pop("direction", None)
    elif rest["direction"] == "left":
        head, tail = tail, head
    rest |= {"meta": meta} if meta else {}
    rest = _with_ours(rest, ours)
    if not labels:
        counts[f"relations without a label, now {NO_LABEL!r}"] += 1
    for label in labels or [NO_LABEL]:
        found.relations.append({"head": head, "tail": tail, "label": label, **rest})


def _other_keys(
    result: dict[str, Any], known: Any, what: str, counts: Counter[str]
) -> dict[str, Any]:
    """The keys of a result that have other names than those that our rows know."""
    if taken := [key for key in result if key in known and key not in ("id", "meta")]:
        for key in taken:
            counts[f"{key} of {what} passed over"] += 1
    return {key: one for key, one in result.items() if key not in known}


def _with_ours(rest: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """With what writing put aside."""
    ours = dict(ours)
    rest = rest | ours.pop("other", {})
    meta = ours.pop("meta", None)
    rest |= ours
    return rest | {"meta": {**rest.get("meta", {}), **meta}} if meta else rest


def split_meta(holder: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The meta of a task or result, and what this package put into it.

    RAISES (ValueError): It is no object.
    """
    meta = holder.get("meta") or {}
    if not isinstance(meta, dict):
        raise ValueError(f"meta must be an object, got {str(meta)[:80]}.")
    ours = meta.get(OURS, {})
    if not isinstance(ours, dict):
        raise ValueError(f"meta's {OURS!r} must be an object, got {str(ours)[:80]}.")
    return {key: one for key, one in meta.items() if key != OURS}, ours


def is_made(id: Any) -> bool:
    """Whether writing made up an id, for a span that had none."""
    return isinstance(id, str) and id.startswith(MADE_ID) and id[len(MADE_ID) :].isdecimal()


def is_probability(value: Any) -> bool:
    """Label Studio's scores are numbers of any size."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
