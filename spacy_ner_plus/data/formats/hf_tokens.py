"""Token classification of Hugging Face: `tokens` and `ner_tags`, in JSON Lines or Parquet.

Tags are names or numbers. Those of numbers are in the features of the data set: see hf_names. -100
and null mean that nobody has annotated the token. Where a row has the `text`, the record has it;
else the tokens are joined by spaces, as those of column files are. All other columns are kept.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ...records import TextRecord, keys_of
from ...support.extras import require
from ..sources.json_values import json_values
from ..sources.rows import as_plain
from .column_tags import column_scheme, detect_scheme
from .columns import AUTO
from .form import Format, Sample
from .hf_names import Names, find_names, is_parquet
from .hf_rows import NESTED, SENTENCES, TAGS, TEXT, TOKENS, TaggedRowForm
from .hf_writing import JSON_KEY, write_hf
from .repairs import Errors, Repairs, checked
from .tag_forms import TagForm, are_labels, find_tag_form
from .unsound_spans import UnsoundSpan

# As many rows tell the scheme; columns have all in memory, but Parquet files may be large.
_HEAD = 10_000
_BATCH = 1000


@dataclass
class HfTokens:
    """The rows of a data set for token classification.

    path (Path): A Parquet file, or lines of JSON, or a list.
    scheme (str): One of COLUMN_SCHEMES, or "auto" to tell from the tags.
    label_names: The names of tags that are numbers: see find_names.
    tokens_field, tags_field, text_field (str): The columns; None to find them among those that are
        usual. Of several tags, entities may nest.
    label (str): Of tags that have none, B and I.
    lenient (bool): As in JsonLinesRecords; white space around tokens is taken away, too.
    counts (Counter[str]), notes (List[str]), warnings (List[str]): See RecordSource.
    unsound (List[UnsoundSpan]): Stays as it is: all annotations have a place.
    """

    path: Path
    scheme: str = AUTO
    label_names: Sequence[str] | Mapping[Any, Any] | str | Path | None = None
    tokens_field: str | None = None
    tags_field: str | Sequence[str] | None = None
    text_field: str = TEXT
    label: str | None = None
    lenient: bool = False
    counts: Counter[str] = field(default_factory=Counter, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)
    unsound: list[UnsoundSpan] | None = field(default=None, init=False, repr=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with the file and line or row where it is.

        RAISES (ValueError): Rows can't be read, with where and what to do. All are listed.
        """
        rows = self._rows()
        head = list(islice(rows, _HEAD))
        form = self._form([row for _, row in head if isinstance(row, dict)])
        repairs, errors = Repairs(), Errors("rows can't be read")
        for where, row in chain(head, rows):
            try:
                if not isinstance(row, dict):
                    raise ValueError(f"a row is an object, got {str(row)[:80]}.")
                record = form.record(row, self.counts, repairs, lenient=self.lenient)
                record = self._with_others(record, row, form)
                record = checked(record, where, repairs, lenient=self.lenient)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                continue
            if not errors.n_errors:  # else what comes next is not used
                yield where, record
        errors.check()
        self.counts.update(repairs.counts)
        self.warnings = list(repairs.told())

    def _rows(self) -> Iterator[tuple[str, Any]]:
        return _parquet_rows(self.path) if is_parquet(self.path) else json_values(self.path)

    def _form(self, rows: Sequence[Mapping[str, Any]]) -> TaggedRowForm:
        tokens = self._named(rows, self.tokens_field, TOKENS, "tokens")
        if self.tags_field is None:
            tags = [self._named(rows, None, TAGS, "tags")] if _has_any(rows, TAGS) else []
            tags += [NESTED] if tags and _has_any(rows, (NESTED,)) else []
        else:
            given = [self.tags_field] if isinstance(self.tags_field, str) else self.tags_field
            tags = [self._named(rows, name, (), "tags") for name in given]
        names = {name: self._names(name) for name in tags if _has_numbers(rows, name)}
        form = TaggedRowForm(tokens, tuple(tags), self.text_field, names)
        return self._with_scheme(form, rows)

    def _named(
        self, rows: Sequence[Mapping[str, Any]], given: str | None, usual: Sequence[str], what: str
    ) -> str:
        """A column. RAISES (ValueError): There is none."""
        wanted = (given,) if given is not None else usual
        for name in wanted:
            if _has_any(rows, (name,)):
                return name
        known = dict.fromkeys(key for row in rows[:_BATCH] for key in row)
        raise ValueError(
            f"{self.path} has no list of {what} under {' or '.join(map(repr, wanted))}: name it "
            f"with {what}_field. Columns: {', '.join(map(str, known)) or 'none'}."
        )

    def _names(self, field: str) -> Names:
        return find_names(self.path, field, self.label_names)

    def _with_scheme(self, form: TaggedRowForm, rows: Sequence[Mapping[str, Any]]) -> TaggedRowForm:
        """With the scheme of the tags, and how they are written."""
        columns = list(_tag_columns(form, rows))
        values = Counter(tag for column in columns for tag in column)
        for names in (form.names or {}).values():
            values.update(names.values())
        tag_form = find_tag_form(values, self.label)
        if not any(map(tag_form.fits, values)) and are_labels(values, is_named=True):
            tag_form = TagForm(is_bare=True)
        if self.scheme != AUTO:
            scheme = column_scheme(self.scheme)
        elif tag_form.is_bare:
            scheme = "IO"
        else:
            plain = [[tag_form.plain(tag) for tag in one] for one in columns]
            # letters of names that no row has count, too
            unused = [[tag] for tag in map(tag_form.plain, values) if tag[:1] not in "BI_O"]
            scheme = detect_scheme([*plain, *unused])
        self.notes = [f"tags in {' and '.join(form.tags)}"] if form.tags else ["no tags"]
        self.notes += [f"tag scheme {scheme}"] if form.tags else []
        return replace(form, scheme=scheme, tag_form=tag_form)

    def _with_others(
        self, record: TextRecord, row: Mapping[str, Any], form: TaggedRowForm
    ) -> TextRecord:
        """With the other columns, under their names, or in meta if records have the name."""
        used = {form.tokens, *form.tags, SENTENCES}
        used |= {form.text} if isinstance(row.get(form.text), str) else set()
        others = {key: value for key, value in row.items() if key not in used}
        if others.get(TEXT, "") is None:
            del others[TEXT]
        values: dict[str, Any] = {"id": others.pop("id", None)}
        if isinstance(meta := others.get("meta"), dict):
            values["meta"] = others.pop("meta")
        labels = others.get("annotated_labels")
        if isinstance(labels, list):
            values["annotated_labels"] = tuple(others.pop("annotated_labels"))
        taken = {key: others.pop(key) for key in list(others) if key in _OURS}
        if taken:
            self.counts["columns with names of records, kept in meta"] += len(taken)
            values["meta"] = {**(meta if isinstance(meta, dict) else {}), **taken}
        return replace(record, **values, other=others)


_OURS = (*keys_of(TextRecord), "other", "schema_version")


def _parquet_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows of a Parquet file, batch by batch. What is null there is not in a row."""
    parquet = require("pyarrow.parquet", "parquet")
    arrow = require("pyarrow", "parquet")
    number = 0
    try:
        file = parquet.ParquetFile(path, pre_buffer=False)
    except arrow.ArrowInvalid as error:
        raise ValueError(f"{path} is no Parquet file: {error}") from error
    with file:
        coded = json.loads((file.schema_arrow.metadata or {}).get(JSON_KEY, b"[]"))
        for batch in file.iter_batches(_BATCH):
            for row in batch.to_pylist():
                number += 1
                plain = {key: as_plain(one) for key, one in row.items() if one is not None}
                plain |= {key: json.loads(plain[key]) for key in coded if key in plain}
                yield f"{path}, row {number}", plain


def _has_any(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bool:
    return any(isinstance(row.get(name), list) for row in rows for name in names)


def _has_numbers(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    lists = (row[name] for row in rows if isinstance(row.get(name), list))
    return any(type(tag) is int and tag >= 0 for tags in lists for tag in tags)


def _tag_columns(form: TaggedRowForm, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """The tags of rows that can be read; those that can't are told of later."""
    for row in rows:
        for field_name in form.tags:
            if row.get(field_name) is not None:
                try:
                    tags = form.tag_names(row, field_name)
                except ValueError:
                    continue
                yield ["O" if tag is None else tag for tag in tags]


def _recognises(sample: Sample) -> bool:
    row = sample.value
    if not isinstance(row, dict) or isinstance(row.get("spans"), list):
        return False
    tokens = next((row[name] for name in TOKENS if isinstance(row.get(name), list)), None)
    if tokens is None or not all(isinstance(token, str) for token in tokens):
        return False
    return any(
        isinstance(tags := row.get(name), list)
        and len(tags) == len(tokens)
        and all(tag is None or isinstance(tag, (str, int)) for tag in tags)
        for name in TAGS
    )


FORMAT = Format((".parquet",), HfTokens, write_hf, _recognises, needs_tokens=True)
