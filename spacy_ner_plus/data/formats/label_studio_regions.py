"""Results of Label Studio's annotations as spans and relations of our rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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
# The last is from before 1.0.
_LABEL_KEYS = (*LABELS, "htmllabels")
_OF_LABELS = frozenset(_LABEL_KEYS)
_OF_TEXT = (*LABELS, "text", "hypertext", "richtext", "paragraphs")
PLACE = {"start", "end", "text", "startOffset", "endOffset", "globalOffsets"}
# What there is in most values, by the key of the labels.
_USUAL = {key: frozenset({*PLACE, key}) for key in _LABEL_KEYS}
_OF_RELATION = ("from_id", "to_id", "type", "labels", "direction")
_PUT_ASIDE = ("id", "kb_id", "status", "grounding", "probability")
_OF_REGION = frozenset({"id", "from_name", "to_name", "type", "value", "meta"})
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


class Results(NamedTuple):
    """The results of an annotation by what they are: stretches of texts, relations, others."""

    regions: list[dict[str, Any]]
    relations: list[dict[str, Any]]
    others: list[dict[str, Any]]


def sorted_results(results: list[Any]) -> Results:
    """Results by what they are. RAISES ValueError: One is no object."""
    found = Results([], [], [])
    for i, result in enumerate(results):
        if not isinstance(result, dict):
            raise ValueError(f"result[{i}] must be an object, got {str(result)[:80]}.")
        if is_region(result):
            found.regions.append(result)
        elif result.get("type") == RELATION:
            found.relations.append(result)
        else:
            found.others.append(result)
    return found


def is_region(result: dict[str, Any]) -> bool:
    """Whether a result is a stretch of a text, labelled or not."""
    value = result.get("value")
    if not isinstance(value, dict) or "start" not in value or "end" not in value:
        return False
    if not _OF_LABELS.isdisjoint(value):
        return True
    return result.get("type") in _OF_TEXT and value.keys() <= PLACE


def check_names(regions: list[dict[str, Any]], label_fields: tuple[str, ...]) -> None:
    """RAISES ValueError: Regions are labelled by several tags, or are of several texts."""
    for key, option in (("from_name", "label_field"), ("to_name", "ls_config and label_field")):
        if len(regions) < 2 or len({str(one.get(key)) for one in regions}) < 2:
            continue
        names = list(dict.fromkeys([str(one[key]) for one in regions if one.get(key)]))
        if len(names) > 1 and not (key == "from_name" and label_fields):
            raise ValueError(
                f"its regions have the {key} {' and '.join(map(repr, names))}: say with {option} "
                "which to take."
            )


def read_regions(results: Results, text: LabelledText, counts: Counter[str]) -> Regions:
    """What results say of a text. What is passed over is counted.

    RAISES (ValueError): A result is none.
    """
    found = Regions()
    ids: dict[Any, list[dict[str, Any]]] = {}
    for i, result in enumerate(results.regions):
        try:
            _read_region(result, text, found, ids, counts)
        except ValueError as error:
            raise ValueError(f"region {i + 1}: {error}") from None
    for result in results.others:
        counts[f"results of type {str(result.get('type'))!r} passed over"] += 1
        # where they are, in the file's unit, their regions know better
        if not _has_place(result) or _id_of(result) in ids:
            found.others.append(result)
    for result in results.relations:
        _read_relation(result, found, ids, counts)
    return found


def _has_place(result: dict[str, Any]) -> bool:
    value = result.get("value")
    return isinstance(value, dict) and not PLACE.isdisjoint(value)


def _id_of(result: dict[str, Any], key: str = "id") -> str | int | None:
    """The id of a region. RAISES ValueError: It is none."""
    id = result.get(key)
    if id is not None and not isinstance(id, (str, int)):
        raise ValueError(f"{key} must be a string or an integer, got {str(id)[:80]}.")
    return id


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
    labels_key = next(filter(value.get, _LABEL_KEYS), "")
    labels = value[labels_key] if labels_key else []
    if not isinstance(labels, list) or not {*map(type, labels)} <= {str}:
        raise ValueError(f"its labels must be a list of strings, got {str(labels)[:80]}.")
    if not labels:
        counts["regions without a label, taken for unknown"] += 1
        found.unknown.append([place.start, place.end])
        return
    span = {"start": place.start, "end": place.end, "text": place.text, "label": labels[0]}
    _read_rest(span, result, text.labels_key, counts)
    if not value.keys() <= _USUAL[labels_key]:
        span["value"] = {key: one for key, one in value.items() if key not in _USUAL[labels_key]}
    if "meta" in result:
        _read_meta(span, result)
    id = _id_of(result)
    if id is not None:
        ids.setdefault(id, []).append(span)
    found.spans.append(span)
    for label in labels[1:]:
        counts["further labels of regions, a span each"] += 1
        other = {key: one for key, one in span.items() if key != "id"}
        found.spans.append(other | {"label": label, SAME_REGION: id})


def _read_rest(
    span: dict[str, Any], result: dict[str, Any], usual_type: str, counts: Counter[str]
) -> None:
    """The keys of a region, by their own names where our rows have none for them."""
    id = result.get("id")
    if id is not None and not is_made(id):
        span["id"] = id
    for key, usual in (("from_name", FROM_NAME), ("to_name", TO_NAME), ("type", usual_type)):
        one = result.get(key)
        if one != usual and one is not None:
            span[key] = one
    if result.keys() <= _OF_REGION:
        return
    for key, one in result.items():
        if key in _OF_REGION:
            continue
        if key == "score":
            if one is not None:
                span["probability" if is_probability(one) else key] = one
        elif key not in _SPAN_KEYS:
            span[key] = one
        else:
            counts[f"{key} of regions passed over"] += 1


def _read_meta(row: dict[str, Any], result: dict[str, Any]) -> None:
    """The meta of a result, and what writing put into it."""
    meta, ours = split_meta(result)
    aside = {key: ours.get(key, {}) for key in ("meta", "other")}
    if not all(isinstance(one, dict) for one in aside.values()):
        raise ValueError(f"meta's {OURS!r} is not as it was written: take it out.")
    row |= aside["other"]
    row |= {key: ours[key] for key in _PUT_ASIDE if key in ours}
    if meta or aside["meta"]:
        row["meta"] = {**meta, **aside["meta"]}


def _read_relation(
    result: dict[str, Any],
    found: Regions,
    ids: dict[Any, list[dict[str, Any]]],
    counts: Counter[str],
) -> None:
    ends = [ids.get(_id_of(result, key), []) for key in ("from_id", "to_id")]
    if any(len(one) != 1 for one in ends):
        counts["relations passed over"] += 1
        return
    # a region whose id was made up by writing gets it where somebody has put a relation to it
    head, tail = (
        one[0].setdefault("id", result[key])
        for one, key in zip(ends, ("from_id", "to_id"), strict=True)
    )
    rest: dict[str, Any] = {}
    for key, one in result.items():
        if key in _RELATION_KEYS:
            if key != "meta":
                counts[f"{key} of relations passed over"] += 1
        elif key not in _OF_RELATION:
            rest[key] = one
    if result.get("direction") not in ("right", None):
        rest["direction"] = result["direction"]
    if rest.get("direction") == "left":
        head, tail = tail, head
    if "meta" in result:
        _read_meta(rest, result)
    labels = result.get("labels") or []
    if not isinstance(labels, list):
        raise ValueError(f"a relation's labels must be a list, got {str(labels)[:80]}.")
    if not labels:
        counts[f"relations without a label, now {NO_LABEL!r}"] += 1
    for label in labels or [NO_LABEL]:
        found.relations.append({"head": head, "tail": tail, "label": label, **rest})


def split_meta(holder: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The meta of a task or result, and what this package put into it.

    RAISES (ValueError): It is no object.
    """
    meta = holder.get("meta") or {}
    if meta == {}:  # as most are
        return {}, {}
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
