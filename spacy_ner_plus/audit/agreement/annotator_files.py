"""Who annotated what: a file or folder each, or an export that names its annotators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.formats.annotators import ALL, ANNOTATOR
from ...data.formats.record_files import FORMATS, open_several, options_known
from ...data.renaming import check_names
from ...evaluation.label_choice import LabelChoice
from ...records import TextRecord

Placed = tuple[str, TextRecord]
# Of an annotator that is an object, as in Label Studio's exports: what names them.
_NAMES = ("email", "username", "name", "id")


@dataclass(frozen=True)
class AnnotatorTexts:
    """One annotator.

    name (str): Theirs.
    source (str): Where their texts are from.
    texts (List[Placed]): What they annotated, in its order, with where it is.
    """

    name: str
    source: str
    texts: list[Placed]


@dataclass(frozen=True)
class AnnotatorFiles:
    """All annotators.

    annotators (List[AnnotatorTexts]): Two or more.
    are_named (bool): Whether the records name them; else each has a file or folder.
    n_files (int): Files and folders that were given.
    warnings (List[str]): What the readers have to say of the files.
    """

    annotators: list[AnnotatorTexts]
    are_named: bool
    n_files: int
    warnings: list[str]


def read_annotators(
    paths: Sequence[Path], format: str | None, options: Mapping[str, Any], choice: LabelChoice
) -> AnnotatorFiles:
    """Read the texts of each annotator. Those about which nothing is known are left out.

    paths (Sequence[Path]): A file or folder each, or one or more in which `meta` names several.
    format (str), options (Mapping[str, Any]): See `read`.
    choice (LabelChoice): Entities of other types are left out.
    RAISES ValueError: There are not two annotators, or a file can't be read.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise ValueError("A file is given twice: each is to be another annotator's.")
    check_names(choice.label_map)
    warnings: list[str] = []
    labels: set[str] = set()
    files = [_read(path, format, options, choice, warnings, labels) for path in paths]
    warnings += _check_choice(choice, labels)
    names = [{name for _, record in file if (name := annotator_of(record))} for file in files]
    if len(paths) == 1 or any(len(some) > 1 for some in names):
        annotators = _by_name(paths, files)
    else:
        pairs = zip(_names_of(paths), paths, files, strict=True)
        annotators = [AnnotatorTexts(name, str(path), file) for name, path, file in pairs]
        for one in annotators:
            if not one.texts:
                raise ValueError(f"{one.source} has no annotated text: name another file.")
    are_named = len(paths) == 1 or any(len(some) > 1 for some in names)
    return AnnotatorFiles(annotators, are_named, len(paths), warnings)


def annotator_of(record: TextRecord) -> str | None:
    """Who annotated a record, if its `meta` says it."""
    value = record.meta.get(ANNOTATOR)
    if isinstance(value, dict):
        value = next((value[key] for key in _NAMES if value.get(key) not in (None, "")), None)
    return None if value in (None, "") else str(value)


def _read(
    path: Path,
    format: str | None,
    options: Mapping[str, Any],
    choice: LabelChoice,
    warnings: list[str],
    labels: set[str],
) -> list[Placed]:
    """The annotated texts of a file, with the types that count.

    warnings (List[str]), labels (Set[str]): What its reader has to say, and all types that it has,
        by their old names, are added to these.
    """

    def options_of(name: str) -> dict[str, Any]:
        can_all = ANNOTATOR in options_known(FORMATS[name].source)
        return {**options, **({ANNOTATOR: ALL} if can_all else {})}

    source = open_several([path], format, options_of)
    found = []
    for where, record in source.records():
        if record.spans is not None:
            labels.update(span.label for span in record.spans)
            labels.update(record.annotated_labels or ())
            found.append((where, _chosen(record, choice)))
    warnings += source.warnings
    return found


def _check_choice(choice: LabelChoice, labels: set[str]) -> list[str]:
    """What is odd about the types that are named. labels (Set[str]): All that there are.

    RAISES ValueError: Nobody has any of those that count.
    """
    named = ", ".join(map(repr, sorted(labels))) or "none"
    known = choice.names(labels)
    unknown = [label for label in choice.labels or () if label not in known]
    if unknown and len(unknown) == len(choice.labels or ()):
        raise ValueError(
            f"No annotator has a type that --labels names, {', '.join(map(repr, unknown))}: they "
            f"have {named}."
        )
    unknown += [old for old in choice.label_map if old not in labels]
    if not unknown:
        return []
    absent = ", ".join(map(repr, dict.fromkeys(unknown)))
    return [f"--labels or --map names types that no annotator has, {absent}: they have {named}."]


def _chosen(record: TextRecord, choice: LabelChoice) -> TextRecord:
    """A record with the types that count, under their new names."""
    spans = record.spans
    if spans is not None:
        spans = tuple(
            replace(span, label=choice.name(span.label))
            for span in spans
            if choice.counts(span.label)
        )
    labels = record.annotated_labels
    if labels is not None:
        labels = tuple(dict.fromkeys(choice.name(one) for one in labels if choice.counts(one)))
    return replace(record, spans=spans, annotated_labels=labels, relations=())


def _by_name(paths: Sequence[Path], files: Sequence[list[Placed]]) -> list[AnnotatorTexts]:
    found: dict[str, AnnotatorTexts] = {}
    nameless: list[str] = []
    for path, file in zip(paths, files, strict=True):
        for where, record in file:
            name = annotator_of(record)
            if name is None:
                nameless.append(where)
            else:
                one = found.setdefault(name, AnnotatorTexts(name, str(path), []))
                one.texts.append((where, record))
    given = ", ".join(map(str, paths))
    if not any(files):
        raise ValueError(f"{given} has no annotated text: there is nothing to compare.")
    if not found:
        raise ValueError(
            f"{given} does not say who annotated its {len(nameless):,} texts: give a file or "
            "folder for each annotator, or an export that names them (Label Studio's "
            "completed_by, Prodigy's _annotator_id or _session_id, 'annotator' in the meta of "
            "records)."
        )
    if nameless:
        raise ValueError(
            f"{len(nameless):,} annotated texts do not say who annotated them, while others do. "
            f"The first: {nameless[0]}. Name their annotators, or leave them out."
        )
    if len(found) == 1:
        [one] = found.values()
        raise ValueError(
            f"All {len(one.texts):,} annotated texts of {given} are of one annotator, "
            f"{one.name!r}: agreement takes two. Export the annotations of all annotators, or "
            "give the file of another one, too."
        )
    return list(found.values())


def _names_of(paths: Sequence[Path]) -> list[str]:
    """The last parts of paths that tell them apart, without suffixes."""
    parts = [path.resolve().parts for path in paths]
    for n in range(1, max(map(len, parts)) + 1):
        names = ["/".join([*some[-n:-1], _stem(some[-1])]) for some in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _stem(name: str) -> str:
    stem = Path(name.removesuffix(".gz")).stem
    return stem or name
