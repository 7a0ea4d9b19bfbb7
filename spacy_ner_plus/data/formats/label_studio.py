"""Label Studio: its exports, JSON and JSON_MIN, and the tasks that it imports.

Since 2022 it counts code points (HumanSignal/label-studio#1559; its test "Should calculate offsets
by code points in text", web/libs/editor/tests/integration/e2e/ner/emoji.cy.ts), before that UTF-16
units (#1347): the texts of regions tell which, and a file without them must be told. A text's line
feeds and carriage returns count one each.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...records import VERSION, TextRecord, keys_of
from ..sources.json_values import json_values
from .form import Format, Sample
from .label_studio_config import TEXT_FIELD, LabelsTag, chosen_tag
from .label_studio_extras import HTML, KIND, PLAIN, WHOLE, completed
from .label_studio_html import HtmlText, looks_like_html
from .label_studio_regions import (
    OURS,
    Regions,
    Results,
    check_names,
    read_regions,
    sorted_results,
    split_meta,
)
from .label_studio_tasks import (
    ALL,
    ANNOTATORS,
    FIRST,
    Entry,
    agreed,
    annotations_of,
    count_left,
    entries_of,
    is_min_row,
    tasks,
)
from .label_studio_text import Dialogue, LabelledText, PlainText, looks_like_address
from .label_studio_writing import TASK_KEYS, write_label_studio
from .offset_units import CHARACTERS, from_characters
from .tool_records import ToolRecords

_READ_KEYS = frozenset(
    {"id", "data", "meta", "annotations", "completions", "predictions", "drafts"}
)
_SCHEMA_KEYS = frozenset({*keys_of(TextRecord), VERSION})


@dataclass
class LabelStudioRecords(ToolRecords):
    """The tasks of a Label Studio file: a list or lines of tasks, one task, or rows of JSON_MIN.

    A task without annotation, and one that was skipped, is a text about whose entities nothing is
    known. So is a text beside the regions whose place in it can't be found. Keys of tasks, data,
    annotations and regions that records have no place for are kept under their names.

    path (Path): The file, or a folder of .json files.
    annotator (str): Of several annotations of a task: "first", or the first that is a ground truth;
        "all", a record each with who it was in `meta`; "agreed", the spans that all of them have,
        where the stretches of others are unknown.
    text_field (str): The key of the data that has the text. None for what ls_config says, or the
        regions; else "text", or the only text.
    label_field (str): The labelling tag (from_name) whose regions are taken, or several, parted by
        commas; None for the only one.
    ls_config (str | Path): The project's labelling configuration, an XML file.
    predictions (bool): Of tasks without annotation, take the first prediction: its spans are
        undecided (`ignored`), and nothing is known.
    """

    # versions differ
    unit: ClassVar[str | None] = None

    annotator: str = FIRST
    text_field: str | None = None
    label_field: str | None = None
    ls_config: str | Path | None = None
    predictions: bool = False
    _fields: tuple[str, ...] = field(default=(), init=False, repr=False)
    _tag: LabelsTag | None = field(default=None, init=False, repr=False)
    _is_annotated: bool = field(default=False, init=False, repr=False)
    _has_regions: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.annotator not in ANNOTATORS:
            wanted = ", ".join(ANNOTATORS)
            raise ValueError(f"There is no annotator {self.annotator!r}: name one of {wanted}.")
        self._fields = tuple(self.label_field.split(",")) if self.label_field else ()
        if self.ls_config is not None:
            self._tag = chosen_tag(Path(self.ls_config), self._fields)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Each task, or each of its annotations if all are wanted."""
        files = sorted(self.path.glob("*.json")) if self.path.is_dir() else [self.path]
        for where, task in tasks(one for file in files for one in json_values(file)):
            yield from entries_of(where, task, self.annotator)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with where it is; see ToolRecords."""
        for where, record in super().records():
            yield where, completed(where, record, self.counts) if OURS in record.other else record
        if self._is_annotated and not self._has_regions:
            self.warnings.append(
                "no annotation has a region of a text: their texts are taken to have no entities. "
                "If the project does not label entities, leave the annotations out."
            )

    def row(self, entry: Entry, counts: Counter[str]) -> dict[str, Any]:
        """A task as a row, without what is known of it in characters alone (see `completed`)."""
        task = entry.task
        annotations = annotations_of(task) if entry.annotations is None else entry.annotations
        meta, ours = split_meta(task)
        predicted = self._prediction(task) if self.predictions and not entry.taken else None
        holders = [predicted] if predicted else [*entry.taken]
        results = [sorted_results(one["result"]) for one in holders]
        wanted = [self._wanted(one) for one in results]
        regions = [one for some in wanted for one in some.regions]
        check_names(regions, self._fields)
        key = self._text_field(task["data"], ours, regions)
        text = self._text(task["data"], key, ours, regions, counts)
        if entry.is_first:
            count_left(
                task, annotations, self.annotator, counts, is_predicted=predicted is not None
            )
        row: dict[str, Any] = {"id": task.get("id"), "text": text.text}
        for name, one in task.items():
            if name not in _READ_KEYS:
                if name in _SCHEMA_KEYS or name == OURS:
                    counts[f"{name} of tasks passed over"] += 1
                else:
                    row[name] = one
        if self.annotator == ALL and holders and "completed_by" in holders[0]:
            meta["annotator"] = holders[0]["completed_by"]
        row["meta"] = meta
        row |= _data(task["data"], key, text)
        pending = {name: one for name, one in ours.items() if name not in ("text_field", KIND)}
        if holders:
            self._is_annotated = self._is_annotated or predicted is None
            self._has_regions = self._has_regions or bool(regions)
            n_others = sum(map(_n_regions, results)) - len(regions)
            if n_others:
                counts["regions of other tags passed over"] += n_others
            said = agreed([read_regions(one, text, counts) for one in wanted], counts)
            row["spans"] = said.spans
            if said.relations:
                row["relations"] = said.relations
            if said.unknown:
                row["unknown"] = said.unknown
            if not said.is_whole or predicted:
                pending[WHOLE] = True
            row |= _annotation(holders[0], said, is_prediction=predicted is not None)
        elif annotations:
            rest = {name: one for name, one in annotations[0].items() if name != "result"}
            row["annotation"] = rest
        if self.offsets not in (None, CHARACTERS) and not isinstance(text, PlainText):
            row = from_characters(row, str(self.offsets))
        return row | {OURS: pending} if pending else row

    def readings(self, entry: Entry, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Of a task whose annotators are put together, what each says: stretches have no text."""
        if len(entry.taken) < 2:
            return [row]
        return [self.row(entry._replace(taken=(one,)), Counter()) for one in entry.taken]

    def _prediction(self, task: dict[str, Any]) -> dict[str, Any] | None:
        found = task.get("predictions")
        if not found:
            return None
        is_sound = isinstance(found, list) and isinstance(found[0], dict)
        if not is_sound or not isinstance(found[0].get("result"), list):
            raise ValueError(
                f"predictions must be objects with a list 'result', got {str(found)[:80]}."
            )
        return found[0]

    def _wanted(self, results: Results) -> Results:
        """With the regions alone that are of the tag that labels, and of the text."""
        if not self._fields and self._tag is None:
            return results
        regions = results.regions
        if self._fields:
            regions = [one for one in regions if one.get("from_name") in self._fields]
        if self._tag is not None:
            names = (self._tag.text.name, None)
            regions = [one for one in regions if one.get("to_name") in names]
        return results._replace(regions=regions)

    def _text_field(
        self, data: dict[str, Any], ours: dict[str, Any], regions: list[dict[str, Any]]
    ) -> str:
        named = self.text_field or (self._tag.text.field if self._tag else None)
        if named is not None:
            if named not in data:
                raise ValueError(f"its data has no {named!r}, but {_listed(data)}.")
            return named
        sources = {str(one["source"])[1:] for one in regions if one.get("source")}
        for key in (str(ours.get("text_field")), *sources, TEXT_FIELD):
            if key in data:
                return key
        texts = [key for key, one in data.items() if isinstance(one, (str, list))]
        if len(texts) != 1:
            raise ValueError(
                f"its data has {_listed(data)}: say with text_field which is the text."
            )
        return texts[0]

    def _text(
        self,
        data: dict[str, Any],
        key: str,
        ours: dict[str, Any],
        regions: list[dict[str, Any]],
        counts: Counter[str],
    ) -> LabelledText:
        value = data[key]
        if isinstance(value, list):
            return Dialogue(value, self._tag.text.text_key if self._tag else "text")
        if not isinstance(value, str):
            raise ValueError(f"its data's {key!r} must be a text, got {str(value)[:80]}.")
        if ours.get(KIND) in (PLAIN, HTML):
            return HtmlText(value) if ours[KIND] == HTML else PlainText(value)
        starts = [one["value"]["start"] for one in regions]
        if any(isinstance(start, str) and start.startswith("/") for start in starts):
            return HtmlText(value)
        if self._tag is not None:
            return HtmlText(value) if self._tag.text.kind == "hypertext" else PlainText(value)
        if not starts and looks_like_html(value):
            counts["texts without regions, taken for HTML"] += 1
            return HtmlText(value)
        if looks_like_address(value):
            raise ValueError(
                f"its data's {key!r} is the address of a file, {value[:80]!r}, which is not loaded "
                "here: put the texts themselves into the tasks' data. Where it is a text, say so "
                "with ls_config."
            )
        return PlainText(value)


def _data(data: dict[str, Any], key: str, text: LabelledText) -> dict[str, Any]:
    """The rest of the data, and all of it where the text is made of it."""
    is_plain = isinstance(text, PlainText)
    if is_plain and len(data) == 1 and key == TEXT_FIELD:  # as most are
        return {}
    rest = {name: one for name, one in data.items() if name != key or not is_plain}
    return ({"data": rest} if rest else {}) | ({"text_field": key} if key != TEXT_FIELD else {})


def _annotation(holder: dict[str, Any], said: Regions, *, is_prediction: bool) -> dict[str, Any]:
    """What an annotation or prediction has beside its regions."""
    if is_prediction:
        for span in said.spans:
            span["status"] = "ignored"
    rest = {name: one for name, one in holder.items() if name != "result"}
    rest |= {"result": said.others} if said.others else {}
    return {"prediction" if is_prediction else "annotation": rest} if rest else {}


def _n_regions(results: Results) -> int:
    return len(results.regions)


def _listed(data: dict[str, Any]) -> str:
    return ", ".join(map(repr, data)) or "nothing"


def _recognises(sample: Sample) -> bool:
    value = sample.value
    if not isinstance(value, dict) or VERSION in value:
        return False
    if is_min_row(value):
        return "annotation_id" in value or "completion_id" in value
    if not isinstance(value.get("data"), dict):
        return False
    known = {*_READ_KEYS, *TASK_KEYS}
    return any(key in value for key in ("annotations", "completions", "predictions")) or (
        known.issuperset(value)
    )


FORMAT = Format((), LabelStudioRecords, write_label_studio, _recognises)
