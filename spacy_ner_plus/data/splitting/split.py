"""A data set to training, development and test data: what `ner-plus split` does."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...records import TextRecord
from ...support.committed_folder import CommittedFolder
from ...support.digests import content_digest
from ...support.output_folder import check_output_folder
from ..blank_pipeline import blank_pipeline
from ..formats.form import RecordSource
from ..formats.record_files import FORMATS, open_several, write
from ..record_transfer import with_tokens
from .near_duplicates import NEAR, Groups, near_duplicates
from .split_manifest import (
    MANIFEST,
    SCHEMA,
    PartSummary,
    Split,
    combined_digest,
    manifest_text,
    record_digest,
    version_of,
)
from .stratification import stratify

PART_NAMES = ("train", "dev", "test")


@dataclass
class _Seen:
    """What a first look at the documents tells."""

    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    is_annotated: list[bool] = field(default_factory=list)
    found: list[Counter[str]] = field(default_factory=list)

    def counts(self) -> np.ndarray:
        """(n_docs, n_labels) int64."""
        labels = sorted(set().union(*self.found))
        rows = [[counter[label] for label in labels] for counter in self.found]
        return np.array(rows, dtype=np.int64).reshape(len(self.found), len(labels))


def split(
    data: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    parts: Sequence[float] = (0.8, 0.1, 0.1),
    group_by: str | None = None,
    near: float | None = NEAR,
    seed: int = 0,
    to: str = "jsonl",
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    lang: str = "en",
) -> Split:
    """Divide annotated texts into training, development and test data.

    Documents are never cut. Parts have like shares of each label; documents of a group, and such as
    are nearly the same, are in the same part. The same data are always divided the same way.

    data (str / Path / Sequence): The file or folder, or several: all of them are divided together.
    format (str), options (Mapping[str, Any]): See `read`.
    output (str / Path): A folder, which is there whole in the end: a file for each part, and
        manifest.json, which says what is in them. An earlier split there is replaced.
    parts (Sequence[float]): The shares of train, dev and test, which add up to 1. With 0, there is
        no such file.
    group_by (str): The key of what documents that belong together have in common, as it is in a
        row of our JSON: "meta.patient". A document without it is on its own.
    near (float): The similarity from which texts are nearly the same: what part of all runs of five
        characters both have. None not to look for them, which needs rensa.
    seed (int): Another one divides otherwise.
    to (str): The format of the files, one of those of `write`, or a suffix: "spacy", ".tsv".
    lang (str): The language whose tokenizer cuts texts without tokens, for formats that need them.
    RETURNS (Split): What is in the parts, and which version of the data set that is.
    RAISES (ValueError): Data can't be read, are too few or have no annotation, or a part would have
        no document; no document has the key; there are other files in the folder.
    """
    inputs = [Path(one) for one in ([data] if isinstance(data, (str, Path)) else data)]
    output = Path(output)
    shares = _shares(parts)
    suffix, to_format = _target(to)
    _check_folder(output)
    for path in inputs:
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            raise ValueError(
                f"{output} is within {path}, and would be read again: name another folder."
            )

    def opened() -> RecordSource:
        return open_several(inputs, format, lambda _: options or {})

    seen = _look_at(", ".join(map(str, inputs)), opened(), group_by)
    n_groups, groups, repeated = _groups(seen, near)
    places = stratify(seen.counts(), list(shares.values()), seed, groups)  # (n_docs,)
    _check_sizes(places, list(shares), groups)
    summaries = _summaries(seen, places, list(shares), suffix)
    made = Split(
        output,
        summaries,
        version_of(summaries),
        tuple(tuple(seen.places[i] for i in group) for group in repeated),
        n_groups,
        seen.keys.count(None) if group_by else 0,
        tuple(_notes(summaries)),
    )
    nlp = blank_pipeline(lang)
    writing = {"nlp": nlp} if to_format == "spacy" else {}
    with CommittedFolder(output).writing() as folder:
        for number, part in enumerate(summaries.values()):
            chosen = _chosen(opened(), places == number)
            if FORMATS[to_format].needs_tokens:
                chosen = with_tokens(chosen, nlp, lambda: None)
            write(chosen, folder / part.file, to_format, **writing)
            part.sha256 = content_digest(folder / part.file)
        settings = {
            "data": {
                "name": ", ".join(path.name for path in inputs),
                "sha256": _digest(inputs),
                "digest": combined_digest(seen.digests),
                "documents": len(seen.texts),
            },
            "seed": seed,
            "shares": shares,
            "group_by": group_by,
            "near": near,
        }
        part_of = {seen.places[i]: list(shares)[places[i]] for group in repeated for i in group}
        text = manifest_text(made, settings, part_of)
        (folder / MANIFEST).write_text(text, encoding="utf8", newline="\n")
    return made


def _shares(parts: Sequence[float]) -> dict[str, float]:
    """The share of each part that has one."""
    is_sound = len(parts) == len(PART_NAMES) and min(parts) >= 0 and parts[0] > 0
    if not is_sound or not np.isclose(sum(parts), 1.0) or max(parts) >= 1:
        raise ValueError(
            "--parts must be the shares of train, dev and test, which add up to 1, one of the last "
            f"two perhaps 0, got {' '.join(map(str, parts))}."
        )
    return {name: share for name, share in zip(PART_NAMES, parts, strict=True) if share}


def _target(to: str) -> tuple[str, str]:
    """The suffix and format of the files."""
    suffix = f".{to.removeprefix('.')}"
    for name, one in FORMATS.items():
        if one.suffixes and (to == name or suffix in one.suffixes):
            return (suffix if suffix in one.suffixes else one.suffixes[0]), name
    known = [name for name, one in FORMATS.items() if one.suffixes]
    raise ValueError(
        f"--to {to} is no format or suffix of single files: name one of {', '.join(known)}."
    )


def _check_folder(folder: Path) -> None:
    """RAISES ValueError: It holds something else than an earlier split."""
    check_output_folder(folder)
    if not folder.exists() or not (there := {path.name for path in folder.iterdir()}):
        return
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf8"))
        own = {MANIFEST, *(part["file"] for part in manifest["parts"].values())}
        is_own = manifest["schema"] == SCHEMA and there <= own
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_own = False
    if not is_own:
        raise ValueError(f"{folder} is there and holds other files: name another folder.")


def _digest(inputs: Sequence[Path]) -> str:
    """SHA-256 of the content: of a file or folder, or of the digests of several."""
    digests = [content_digest(path) for path in inputs]
    return digests[0] if len(digests) == 1 else combined_digest(digests)


def _look_at(data: str, source: RecordSource, group_by: str | None) -> _Seen:
    """See what there is to be divided, which is called `data`."""
    seen = _Seen()
    for where, record in source.records():
        seen.texts.append(record.text)
        seen.places.append(where)
        seen.digests.append(record_digest(record))
        seen.is_annotated.append(record.spans is not None)
        labels = (span.label for span in record.spans or () if span.is_accepted)
        seen.found.append(Counter(labels))
        seen.keys.append(None if group_by is None else _key(record, group_by))
    if not any(seen.is_annotated):
        raise ValueError(f"{data} has no annotated text: there is nothing to divide.")
    if group_by is not None and not any(key is not None for key in seen.keys):
        raise ValueError(
            f"--group-by {group_by}: none of the {len(seen.texts):,} texts in {data} has this key. "
            'Name it as it is in a row of JSON, "meta.patient" for patient in meta.'
        )
    return seen


def _key(record: TextRecord, path: str) -> str | None:
    """What a record has under a key, as JSON; None if it has it not."""
    value: Any = {"id": record.id, "meta": record.meta, **record.other}
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None else json.dumps(value, sort_keys=True)


def _groups(seen: _Seen, near: float | None) -> tuple[int, np.ndarray, list[list[int]]]:
    """How many groups stay together, the group of each document, and those that are alike."""
    groups, repeated = Groups(len(seen.texts)), list[list[int]]()
    if near is not None:
        members: dict[int, list[int]] = {}
        for i, first in enumerate(near_duplicates(seen.texts, near).tolist()):
            members.setdefault(first, []).append(i)
            groups.join(first, i)
        repeated = [group for group in members.values() if len(group) > 1]
    firsts: dict[str, int] = {}
    for i, key in enumerate(seen.keys):
        if key is not None:
            groups.join(firsts.setdefault(key, i), i)
    numbers = groups.numbers()  # (n_docs,)
    _, sizes = np.unique(numbers, return_counts=True)
    return int((sizes > 1).sum()), numbers, repeated


def _check_sizes(places: np.ndarray, names: Sequence[str], groups: np.ndarray) -> None:
    for number, name in enumerate(names):
        if not (places == number).any():
            largest = int(np.unique(groups, return_counts=True)[1].max())
            raise ValueError(
                f"The {name} data would have no document: of {len(places):,}, up to {largest:,} "
                "must stay together (--group-by, --near). Annotate more, or give it a larger share."
            )


def _summaries(
    seen: _Seen, places: np.ndarray, names: Sequence[str], suffix: str
) -> dict[str, PartSummary]:
    made = {}
    for number, name in enumerate(names):
        own = np.flatnonzero(places == number).tolist()
        made[name] = PartSummary(
            f"{name}{suffix}",
            n_documents=len(own),
            n_without_annotation=sum(not seen.is_annotated[i] for i in own),
            entities=sum((seen.found[i] for i in own), Counter()),
            digest=combined_digest(seen.digests[i] for i in own),
        )
    return made


def _notes(parts: Mapping[str, PartSummary]) -> Iterator[str]:
    labels = sorted(set().union(*(part.entities for part in parts.values())))
    for name, part in parts.items():
        if lacking := [label for label in labels if not part.entities[label]]:
            yield f"the {name} data have no {', '.join(lacking)}"


def _chosen(source: RecordSource, is_own: np.ndarray) -> Iterator[TextRecord]:
    """The records of a part, read again. is_own: (n_docs,) bool."""
    for i, (_, record) in enumerate(source.records()):
        if is_own[i]:
            yield record
