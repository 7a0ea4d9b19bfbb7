"""Records as rows of token classification: JSON Lines with the names of tags, or Parquet.

A Parquet file has numbers for tags, and the features that `datasets` reads their names from.
"""

import json
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from ...records import TextRecord, TokenRecord, check_tidy, keys_of
from ...support.extras import require
from .column_tags import column_scheme, read_tags, scheme_letters, write_tags
from .hf_names import PARQUET_KEY
from .hf_rows import IGNORED, NESTED, SENTENCES
from .token_layers import in_layers, lost_of_span, solid_tokens
from .written import Written, keys_of_tokens

JSON_KEY = b"spacy_ner_plus.json"
_TAGS = "ner_tags"
_LISTS = (_TAGS, NESTED)
_HELD = ("text", "id", "meta", "spans", "tokens", "unknown", "annotated_labels")
_HELD_OF_SPANS = ("start", "end", "label", "text", "status")
_NAMED = ("tokens", _TAGS, NESTED, SENTENCES)
_ROW_GROUP = 1000
_N_LAYERS = 2


def write_hf(
    records: Iterable[TextRecord],
    path: Path,
    scheme: str = "BIO",
    label_names: Sequence[str] | None = None,
) -> Written:
    """Write records as rows of tokens and tags.

    records (Iterable[TextRecord]): With tokens. Those that are white space are left out; the text
        is a column of its own. Entities may nest once: inner ones are in `nested_ner_tags`.
    path (Path): Parquet if `.parquet` is among its suffixes, else JSON Lines.
    scheme (str): Of the tags: see column_scheme. IO does not tell entities that touch.
    label_names (Sequence[str]): The names of tags in a Parquet file by their numbers, which all
        files of a data set must have in common. None: O, and then those of all labels in the order
        of the alphabet.
    RAISES (ValueError): A record whose entities can't be on its tokens, and why.
    """
    scheme = column_scheme(scheme)
    lost: Counter[str] = Counter()
    rows = _rows(records, scheme, lost)
    if ".parquet" in path.suffixes:
        n_written = _write_parquet(rows, path, scheme, label_names)
    else:
        n_written = 0
        with path.open("w", encoding="utf8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
                n_written += 1
    return Written(n_written, +lost)


def _rows(
    records: Iterable[TextRecord], scheme: str, lost: Counter[str]
) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(records, start=1):
        try:
            yield _row(record, scheme, lost)
        except ValueError as error:
            raise ValueError(f"Record {number}, {record.text[:60]!r}: {error}") from None


def _row(record: TextRecord, scheme: str, lost: Counter[str]) -> dict[str, Any]:
    solid = solid_tokens(record, "token tags")
    words = [record.text[token.start : token.end] for token in solid]
    for word in words:
        if word != word.strip():
            raise ValueError(f"rows of tokens can't hold the token {word!r}.")
    layers, n_repeated = in_layers(record, _N_LAYERS, what="token tags", within_sentences=False)
    tags = [write_tags(spans, len(words), scheme) for spans in layers]
    for spans, column in zip(layers, tags, strict=True):
        for _, _, label in spans:
            check_tidy("its label", label)
        if scheme == "IO":
            lost["borders of entities that touch"] += len(spans) - len(read_tags(column, scheme))
    lost["repeated spans"] += n_repeated
    row: dict[str, Any] = {} if record.id is None else {"id": record.id}
    outer = [
        None if tag == "O" and is_unknown else tag
        for tag, is_unknown in zip(tags[0], _unknown(record, solid, lost), strict=True)
    ]
    row |= {"tokens": words, _TAGS: outer if words or record.spans is not None else None}
    if layers[1]:
        row[NESTED] = tags[1]
    row["text"] = record.text
    starts = _starts(record)
    if starts is not None:
        row[SENTENCES] = starts
    if record.meta:
        row["meta"] = record.meta
    if record.annotated_labels is not None:
        row["annotated_labels"] = list(record.annotated_labels)
    lost.update(_lost(record))
    return row | {key: value for key, value in record.other.items() if key not in _NAMED}


def _unknown(
    record: TextRecord, solid: Sequence[TokenRecord], lost: Counter[str]
) -> Iterator[bool]:
    """Whether nothing is known about each token, if no entity is on it."""
    ignored = [(one.start, one.end) for one in record.spans or () if one.status == "ignored"]
    stretches = [*record.unknown, *ignored]
    edges = ({one.start for one in solid}, {one.end for one in solid})
    for start, end in record.unknown:
        if start not in edges[0] or end not in edges[1]:
            lost["edges of unknown stretches that are not on tokens"] += 1
    for token in solid:
        yield record.spans is None or any(
            start < token.end and token.start < end for start, end in stretches
        )


def _starts(record: TextRecord) -> list[int] | None:
    """The tokens but white space that start sentences; None if nothing is known of sentences."""
    tokens = record.tokens or ()
    if all(token.sentence_start is None for token in tokens):
        return None
    starts, n_solid, is_start = [], 0, False
    for token in tokens:
        is_start = is_start or token.sentence_start is True
        if not record.text[token.start : token.end].isspace():
            starts += [n_solid] if is_start else []
            n_solid += 1
            is_start = False
    return starts


def _lost(record: TextRecord) -> Iterator[str]:
    row = record.to_json()
    yield from (key for key in keys_of(TextRecord) if key not in _HELD and key in row)
    yield from keys_of_tokens(record)
    tokens = record.tokens or ()
    n_unknown = sum(token.sentence_start is None for token in tokens)
    if n_unknown < len(tokens):
        yield from ["unknown sentence starts"] * n_unknown
    for span in record.spans or ():
        yield from lost_of_span(span, _HELD_OF_SPANS, _N_LAYERS)
        if not span.is_accepted:
            yield f"{span.status} spans"
    yield from (key for key in record.other if key in _NAMED)


def _write_parquet(
    rows: Iterable[dict[str, Any]], path: Path, scheme: str, names: Sequence[str] | None
) -> int:
    """Twice over the rows, which are in a file between: the columns are known in the end."""
    labels: set[str] = set()
    kinds: dict[str, set[str]] = {}
    n_rows = 0
    with TemporaryFile() as spool:
        for row in rows:
            for key, value in row.items():
                kinds.setdefault(key, set()).add(_kind(value))
            for field in _LISTS:
                labels.update(tag[2:] for tag in row.get(field) or () if tag and tag != "O")
            pickle.dump(row, spool)
            n_rows += 1
        spool.seek(0)
        if names is None:
            letters = scheme_letters(scheme)
            names = ["O", *(f"{letter}-{one}" for one in sorted(labels) for letter in letters)]
        _write_table(_unpickled(spool, n_rows), path, kinds, names)
    return n_rows


def _unpickled(spool: IO[bytes], n_rows: int) -> Iterator[dict[str, Any]]:
    return (pickle.load(spool) for _ in range(n_rows))  # our own


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "json"
    return {str: "string", float: "float64"}.get(type(value), "json")


def _write_table(
    rows: Iterable[dict[str, Any]],
    path: Path,
    kinds: Mapping[str, set[str]],
    names: Sequence[str],
) -> None:
    pa, parquet = require("pyarrow", "parquet"), require("pyarrow.parquet", "parquet")
    lists = {
        "tokens": (pa.string(), {"dtype": "string", "_type": "Value"}),
        SENTENCES: (pa.int64(), {"dtype": "int64", "_type": "Value"}),
        "annotated_labels": (pa.string(), {"dtype": "string", "_type": "Value"}),
        **{field: (pa.int64(), {"names": list(names), "_type": "ClassLabel"}) for field in _LISTS},
    }
    fields, features, coded = [], {}, []
    for key in dict.fromkeys(["tokens", _TAGS, "text", *kinds]):
        if key in lists:
            type_, feature = lists[key]
            fields.append(pa.field(key, pa.list_(type_)))
            features[key] = {"feature": feature, "_type": "Sequence"}
            continue
        kind = next(iter(kinds[key])) if len(kinds.get(key, ())) == 1 else "json"
        coded += [key] * (kind == "json" and key in kinds)
        kind = "string" if kind == "json" else kind
        fields.append(pa.field(key, getattr(pa, "bool_" if kind == "bool" else kind)()))
        features[key] = {"dtype": kind, "_type": "Value"}
    info = json.dumps({"info": {"features": features}})
    metadata = {PARQUET_KEY: info.encode(), JSON_KEY: json.dumps(coded).encode()}
    schema = pa.schema(fields, metadata=metadata)
    numbers = {name: i for i, name in enumerate(names)}
    with parquet.ParquetWriter(path, schema) as writer:
        remaining = iter(rows)
        while batch := list(islice(remaining, _ROW_GROUP)):
            plain = [_plain(row, numbers, coded) for row in batch]
            writer.write_table(pa.Table.from_pylist(plain, schema=schema))


def _plain(row: dict[str, Any], numbers: Mapping[str, int], coded: Sequence[str]) -> dict[str, Any]:
    """A row with numbers for tags, and as JSON what has no type of its own."""
    row = row | {key: json.dumps(row[key], ensure_ascii=False) for key in coded if key in row}
    for field in _LISTS:
        if row.get(field) is not None:
            row[field] = [IGNORED if tag is None else _number(tag, numbers) for tag in row[field]]
    return row


def _number(tag: str, numbers: Mapping[str, int]) -> int:
    if tag not in numbers:
        raise ValueError(f"The tag {tag!r} is not among label_names: add it there.")
    return numbers[tag]
