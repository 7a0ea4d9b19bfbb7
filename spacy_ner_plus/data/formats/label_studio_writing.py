"""Records as Label Studio's tasks."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...records import RelationRecord, SpanRecord, TextRecord
from ...support.durable import write_atomically
from .json_rows import dumped
from .label_studio_config import (
    FROM_NAME,
    TEXT_FIELD,
    TO_NAME,
    LabelsTag,
    TextTag,
    chosen_tag,
    written_config,
)
from .label_studio_extras import ANNOTATION, HTML, KIND, PLAIN, extras_of
from .label_studio_html import HtmlText, looks_like_html
from .label_studio_min import min_row
from .label_studio_regions import OURS, PLACE, RELATION, is_region
from .label_studio_results import results_of, with_meta
from .label_studio_tasks import is_skipped
from .label_studio_text import Dialogue, LabelledText, PlainText, looks_like_address
from .written import Written, among

logger = logging.getLogger("spacy_ner_plus")

JSON, JSON_MIN, JSON_LINES = "json", "json_min", "jsonl"
LAYOUTS = (JSON, JSON_MIN, JSON_LINES)
# Of tasks, as Label Studio exports them: other keys are lost where it imports them.
TASK_KEYS = frozenset(
    "agreement allow_skip cancelled_annotations comment_authors comment_count created_at"  # noqa: SIM905
    " file_upload inner_id last_comment_updated_at overlap project task_path total_annotations"
    " total_predictions unresolved_comment_count updated_at updated_by".split()
)
_UNDECIDED = ("accepted", "ignored", None)


def write_label_studio(
    records: Iterable[TextRecord],
    path: Path,
    *,
    ls_config: str | Path | None = None,
    label_field: str | None = None,
    text_field: str | None = None,
    as_predictions: bool = False,
    layout: str = JSON,
    config_path: str | Path | None = None,
) -> Written:
    """Write records as tasks, for Label Studio to import.

    Spans are regions of an annotation; a text about which nothing is known has none. What Label
    Studio has no place for is in the `meta` of tasks and regions under "spacy_ner_plus", and is
    read again. Offsets are code points. A record of an HTML text or a dialogue of Label Studio is
    written as one.

    records (Iterable[TextRecord]): Any.
    path (Path): The file.
    ls_config (str | Path): The project's labelling configuration: it says the names of tags and of
        the text's key. None for those that the records had in Label Studio, or its template's.
    label_field (str): Its tag that labels, if there are several.
    text_field (str): The key of the text in the data; None for what the configuration says.
    as_predictions (bool): Write spans, undecided ones too, as a prediction, to be looked at; the
        score of a task is that of its least sure span.
    layout (str): "json": a list. "jsonl": a task a line. "json_min": Label Studio's short export,
        which it does not import: a row has the data, and the regions under the tag's name.
    config_path (str | Path): Where to write a labelling configuration that fits. None: it is said
        in the log, unless ls_config is given.
    RAISES (ValueError): A record of which the file would say something else, and why.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"Layout {layout!r} can't be written: use one of {', '.join(LAYOUTS)}.")
    if as_predictions and layout == JSON_MIN:
        raise ValueError("JSON_MIN has no predictions: write them with another layout.")
    if label_field and ls_config is None:
        raise ValueError("label_field is a tag of a labelling configuration: give ls_config too.")
    fields = (label_field,) if label_field else ()
    tag = chosen_tag(Path(ls_config), fields) if ls_config is not None else None
    tasks = _Tasks(tag, text_field, as_predictions=as_predictions)
    opening, between, closing = (
        ("", "\n", "\n") if layout == JSON_LINES else ("[\n", ",\n", "\n]\n")
    )
    n_records = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        file.write(opening)
        for record in records:
            try:
                task = tasks.task(record)
                if layout == JSON_MIN:
                    task = min_row(record, task, n_records + 1, tasks.lost)
            except ValueError as error:
                raise ValueError(f"Record {n_records + 1}, {record.text[:60]!r}: {error}") from None
            file.write(between * (n_records > 0) + dumped(task))
            n_records += 1
        file.write(closing if n_records else closing.lstrip("\n"))
    if config_path is not None:
        write_atomically(Path(config_path), tasks.config())
    elif tag is None and layout != JSON_MIN:
        logger.info("Label Studio shows these tasks with this configuration:\n%s", tasks.config())
    return Written(n_records, tasks.lost)


@dataclass
class _Tasks:
    """Makes tasks of records, and knows which tags and labels they need.

    tag (LabelsTag): Of the labelling configuration, if one is given.
    """

    tag: LabelsTag | None
    text_field: str | None
    as_predictions: bool
    lost: Counter[str] = field(default_factory=Counter, init=False)
    _labels: dict[LabelsTag, dict[str, None]] = field(default_factory=dict, init=False)

    def config(self) -> str:
        """A labelling configuration for the tasks so far."""
        usual = LabelsTag(FROM_NAME, "labels", TextTag(TO_NAME, "text", TEXT_FIELD))
        return written_config(self._labels or {self.tag or usual: {}})

    def task(self, record: TextRecord) -> dict[str, Any]:
        """A task. RAISES ValueError: It would say something else."""
        ours: dict[str, Any] = {}
        other = dict(record.other)
        field, data, text = self._data(record, other, ours)
        task: dict[str, Any] = {}
        if isinstance(record.id, int) and not isinstance(record.id, bool):
            task["id"] = record.id
        elif record.id is not None:
            ours["id"] = record.id
        task["data"] = data
        spans = None
        if record.spans is not None:
            spans = [one for one in record.spans if self._is_taken(one)]
        relations = list(among(record.relations, spans or ()))
        results, tags = results_of(spans or (), relations, text, field, self.tag)
        for tag, span in zip(tags, spans or (), strict=True):
            self._labels.setdefault(tag, {})[span.label] = None
        if self.as_predictions:
            self._predict(task, record, other, spans, relations, results)
        else:
            self._annotate(task, other, spans, results)
            if extras := extras_of(record, spans, relations):
                ours[ANNOTATION] = extras
        if record.tokens is not None:
            ours["tokens"] = record.to_json()["tokens"]
        task |= {name: other.pop(name) for name in [*other] if name in TASK_KEYS}
        return task | with_meta(record.meta, ours, other)

    def _is_taken(self, span: SpanRecord) -> bool:
        return span.status in _UNDECIDED if self.as_predictions else span.is_accepted

    def _data(
        self, record: TextRecord, other: dict[str, Any], ours: dict[str, Any]
    ) -> tuple[str, dict[str, Any], LabelledText]:
        """The key of the text, the data with it, and how places in it are said.

        What is used of `other` is taken out of it.
        """
        named = TEXT_FIELD
        if isinstance(other.get("text_field"), str) and other["text_field"] not in ("", named):
            named = other.pop("text_field")
        data: dict[str, Any] = {}
        if isinstance(other.get("data"), dict) and other["data"]:
            data = other.pop("data")
        key = self.text_field or (self.tag.text.field if self.tag else named)
        if key != TEXT_FIELD:
            ours["text_field"] = key
        if named in data:
            rest = {name: one for name, one in data.items() if name != named}
            text = self._of_source(data[named])
            if text is not None and text.text == record.text and key not in rest:
                ours |= {KIND: HTML} if isinstance(text, HtmlText) else {}
                return key, {key: data[named], **rest}, text
            self.lost["HTML texts and dialogues, of which the text is written"] += 1
            data = rest
        if key in data:
            raise ValueError(f"its data has a {key!r} beside the text: give another text_field.")
        if self.tag is not None and self.tag.text.kind != "text":
            raise ValueError(
                f"ls_config shows texts as {self.tag.text.kind}, but this one is plain: give a "
                "configuration with <Text>."
            )
        if looks_like_html(record.text) or looks_like_address(record.text):
            ours[KIND] = PLAIN
        return key, {key: record.text, **data}, PlainText(record.text)

    def _of_source(self, source: Any) -> LabelledText | None:
        """What a record was made of, if it is to be shown as such."""
        kind = self.tag.text.kind if self.tag else None
        if isinstance(source, str) and kind in (None, "hypertext"):
            return HtmlText(source)
        if isinstance(source, list) and kind in (None, "paragraphs"):
            try:
                return Dialogue(source, self.tag.text.text_key if self.tag else "text")
            except ValueError:
                return None
        return None

    def _annotate(
        self,
        task: dict[str, Any],
        other: dict[str, Any],
        spans: list[SpanRecord] | None,
        results: list[dict[str, Any]],
    ) -> None:
        """The annotation, or the one that skipped the task."""
        annotation: dict[str, Any] = {}
        if _is_annotation(other.get("annotation"), is_known=spans is not None):
            annotation = dict(other.pop("annotation"))
        if spans is None and not annotation:
            return
        places = {one.get("id"): one["value"] for one in results if "value" in one}
        for one in annotation.pop("result", []):
            value = one.get("value")
            if isinstance(value, dict) and not PLACE.isdisjoint(value):
                if one.get("id") not in places:
                    self.lost["results of regions that are no more"] += 1
                    continue
                place = places[one["id"]]
                moved = {key: place[key] for key in PLACE & place.keys() & value.keys()}
                one = one | {"value": value | moved}
            results = [*results, one]
        task["annotations"] = [{**annotation, "result": results}]

    def _predict(
        self,
        task: dict[str, Any],
        record: TextRecord,
        other: dict[str, Any],
        spans: list[SpanRecord] | None,
        relations: list[RelationRecord],
        results: list[dict[str, Any]],
    ) -> None:
        """A prediction. What is known of the annotation is to be found out anew."""
        for key in ("annotation", "prediction"):
            self.lost[key] += other.pop(key, None) is not None
        extras = extras_of(record, spans, relations)
        for key in ("unknown", "blocked", "annotated_labels"):
            self.lost[key] += key in extras
        for key, what in (("spans", "rejected spans"), ("relations", "relations of such spans")):
            self.lost[what] += len(extras.get(key, []))
        if spans is None:
            return
        prediction: dict[str, Any] = {"model_version": OURS, "result": results}
        scores = [span.probability for span in spans if span.probability is not None]
        if scores:
            prediction["score"] = min(scores)
        task["predictions"] = [prediction]


def _is_annotation(value: Any, *, is_known: bool) -> bool:
    """Whether it is what is read of an annotation beside its regions."""
    if not isinstance(value, dict) or not value or is_skipped(value) == is_known:
        return False
    if "result" not in value:
        return True
    others = value["result"]
    return (
        is_known
        and isinstance(others, list)
        and others != []
        and all(isinstance(one, dict) and not is_region(one) for one in others)
        and all(one.get("type") != RELATION for one in others)
    )
