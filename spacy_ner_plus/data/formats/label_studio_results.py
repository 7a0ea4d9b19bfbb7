"""Spans and relations as results of Label Studio's annotations: the way back of regions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ...records import RelationRecord, SpanRecord
from .label_studio_config import FROM_NAME, TO_NAME, LabelsTag, TextTag
from .label_studio_regions import (
    LABELS,
    MADE_ID,
    OURS,
    PLACE,
    RELATION,
    SAME_REGION,
    is_made,
    is_probability,
)
from .label_studio_text import LabelledText

_KINDS = {"labels": "text", "hypertextlabels": "hypertext", "paragraphlabels": "paragraphs"}
_OF_REGION = ("id", "meta", "value", "score", "from_name", "to_name", "type")
_OF_RELATION = ("from_id", "to_id", "type", "labels", "direction")


def results_of(
    spans: Sequence[SpanRecord],
    relations: Sequence[RelationRecord],
    text: LabelledText,
    field: str,
    tag: LabelsTag | None,
) -> tuple[list[dict[str, Any]], list[LabelsTag]]:
    """The results of spans and of relations between them, and the tag of each span.

    field (str): The key of the text. tag (LabelsTag): The one that labels; None for that which each
        span had, or else that of Label Studio's template.
    RAISES (ValueError): A span can't be a region.
    """
    results: list[dict[str, Any]] = []
    tags: list[LabelsTag] = []
    regions: dict[str, tuple[SpanRecord, dict[str, Any]]] = {}
    region_ids: dict[str | int, str] = {}
    for i, span in enumerate(spans):
        own_tag = tag or _tag_of(span, text, field)
        tags.append(own_tag)
        first = regions.get(str(span.other[SAME_REGION])) if SAME_REGION in span.other else None
        if first is not None and _is_second(span, first[0]):
            first[1]["value"][own_tag.type].append(span.label)
            continue
        is_free = isinstance(span.id, str) and span.id and span.id not in regions
        region_id = str(span.id) if is_free and not is_made(span.id) else f"{MADE_ID}{i}"
        try:
            result = _region(span, region_id, own_tag, text, is_told=tag is not None)
        except ValueError as error:
            raise ValueError(
                f"{span.label} at characters {span.start}-{span.end}: {error}"
            ) from None
        regions[region_id] = span, result
        if span.id is not None:
            region_ids[span.id] = region_id
        results.append(result)
    return results + [_relation(one, region_ids) for one in relations], tags


def _tag_of(span: SpanRecord, text: LabelledText, field: str) -> LabelsTag:
    """The tag that a span says, or that of the template."""
    if not span.other:
        return _usual_tag(text.labels_key, field)
    type = span.other.get("type") if span.other.get("type") in LABELS else text.labels_key
    names = [
        name if isinstance(name, str) and name else usual
        for name, usual in (
            (span.other.get("from_name"), FROM_NAME),
            (span.other.get("to_name"), TO_NAME),
        )
    ]
    return LabelsTag(names[0], str(type), TextTag(names[1], _KINDS[text.labels_key], field))


@lru_cache(maxsize=16)
def _usual_tag(type: str, field: str) -> LabelsTag:
    return LabelsTag(FROM_NAME, type, TextTag(TO_NAME, _KINDS[type], field))


def _is_second(span: SpanRecord, first: SpanRecord) -> bool:
    """Whether it is another label of the same region, and nothing else."""
    if span.id is not None:
        return False
    other = {key: one for key, one in span.other.items() if key != SAME_REGION}
    return replace(span, id=first.id, label=first.label, other=other) == first


def _region(
    span: SpanRecord, region_id: str, tag: LabelsTag, text: LabelledText, *, is_told: bool
) -> dict[str, Any]:
    covered = text.text[span.start : span.end]
    value = text.value(span.start, span.end) | {"text": covered, tag.type: [span.label]}
    result: dict[str, Any] = {
        "id": region_id,
        "from_name": tag.name,
        "to_name": tag.text.name,
        "type": tag.type,
        "value": value,
    }
    if span.probability is not None:
        result["score"] = span.probability
    aside = {}
    usual = {"from_name": FROM_NAME, "to_name": TO_NAME, "type": text.labels_key}
    for key, one in span.other.items():
        if key in usual:
            if not is_told and (result[key] != one or one == usual[key]):
                aside[key] = one
        elif key == "value" and isinstance(one, dict) and one and _is_apart(one):
            value |= one
        elif key == "score" and span.probability is None and one is not None:
            result |= {} if is_probability(one) else {key: one}
            aside |= {key: one} if is_probability(one) else {}
        elif key in _OF_REGION:
            aside[key] = one
        else:
            result[key] = one
    ours: dict[str, Any] = {
        key: getattr(span, key)
        for key in ("kb_id", "status", "grounding")
        if getattr(span, key) is not None
    }
    if span.id is not None and (span.id != region_id or is_made(region_id)):
        ours["id"] = span.id
    return result | with_meta(span.meta, ours, aside)


def _is_apart(value: dict[str, Any]) -> bool:
    return not value.keys() & {*PLACE, *LABELS}


def _relation(relation: RelationRecord, region_ids: dict[str | int, str]) -> dict[str, Any]:
    other = dict(relation.other)
    direction = "right"
    if isinstance(other.get("direction"), str) and other["direction"] != "right":
        direction = other.pop("direction")
    ends = [region_ids[relation.head], region_ids[relation.tail]]
    if direction == "left":
        ends.reverse()
    result: dict[str, Any] = {
        "from_id": ends[0],
        "to_id": ends[1],
        "type": RELATION,
        "direction": direction,
        "labels": [relation.label],
    }
    ours = {
        key: one
        for key, one in (("id", relation.id), ("probability", relation.probability))
        if one is not None
    }
    result |= {key: other.pop(key) for key in [*other] if key not in _OF_RELATION}
    return result | with_meta(relation.meta, ours, other)


def with_meta(meta: dict[str, Any], ours: dict[str, Any], aside: dict[str, Any]) -> dict[str, Any]:
    """The meta of a result or task, with what there is no other place for."""
    ours = ours | ({"other": aside} if aside else {})
    if OURS in meta:
        ours["meta"] = {OURS: meta[OURS]}
        meta = {key: one for key, one in meta.items() if key != OURS}
    meta = {**meta, OURS: ours} if ours else meta
    return {"meta": meta} if meta else {}
