"""Redaction of many texts: what `ner-plus redact` does, for Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields
from ..data.sources.separated_rows import AUTO
from ..pipeline.preparing import check_pipeline_exists, load_pipeline
from ..pipeline.thresholds import Threshold
from ..prediction.chunked_run import carry_out, check_apart, run_identity
from ..prediction.journal import ChunkCounts, Journal
from ..prediction.predict import bound_kernel_caches
from ..support.digests import content_digest, file_digest
from ..support.output_folder import check_output_folder
from .document_redactor import DocumentRedactor
from .pipeline_labels import check_labels_are_found
from .redaction_rows import RedactionRows, TypeCounts
from .redactor import Redactor
from .secret_key import fingerprint, read_key
from .substitutes import (
    BLOCK,
    DIGITS,
    HASH,
    LABEL,
    MASK,
    METHODS,
    SURROGATE,
    KeyedHashes,
    Labels,
    Masks,
    Substitutes,
)
from .surrogates import Surrogates


@dataclass(frozen=True)
class Redaction:
    """What became of some texts.

    output (str): The file with the redacted ones.
    counts (ChunkCounts): Of the whole input; entities are the stretches that were replaced.
    before (ChunkCounts): Of what an earlier run had done.
    seconds (float): What the rest took.
    types (Dict[str, TypeCounts]): What was taken out, by type.
    rejects (Path): The file that names the rows that are not in the output; None if there are none.
    map (Path): The file with the way back; None if none was wanted.
    warnings (List[str]): What is to be known.
    """

    output: str
    counts: ChunkCounts
    before: ChunkCounts
    seconds: float
    types: dict[str, TypeCounts] = field(default_factory=dict)
    rejects: Path | None = None
    map: Path | None = None
    warnings: list[str] = field(default_factory=list)


def redact(
    model: Language | str | Path,
    texts: str | Path,
    output: str | Path,
    *,
    method: str = MASK,
    labels: Sequence[str] | None = None,
    threshold: Threshold = None,
    repeated: bool = True,
    mask_char: str = BLOCK,
    mask_length: int | None = None,
    hash_digits: int = DIGITS,
    key_env: str | None = None,
    key_file: str | Path | None = None,
    phrases: str | Path | None = None,
    names_of: str | Path | None = None,
    map: str | Path | None = None,
    offsets: bool = False,
    spans_key: str | None = None,
    input_format: str | None = None,
    text_field: str = "text",
    id_field: str = "id",
    quoting: str = AUTO,
    chunk_size: int = 1000,
    max_rejects: int | None = None,
    overwrite: bool = False,
    code: Path | None = None,
) -> Redaction:
    """Take the entities out of many texts, in constant memory.

    After a kill, the same call goes on after the last whole chunk; the result is the same, byte by
    byte. A text that fails is not in the output, and its row is named, but not shown, in
    <output>.rejects.jsonl. Fields of the input other than text and id are not written.

    model (Union[Language, str, Path]): Any pipeline that finds entities, or its name or folder.
    texts (Union[str, Path]): The texts, in any form that `predict` reads.
    output (Union[str, Path]): The .jsonl file of records, with the redacted texts.
    method (str): What stands in the place of an entity. "mask": mask_char, as often as it has
        characters, or mask_length times; "label": [PERSON]; "hash": [PERSON_1f0b...], a keyed hash;
        "surrogate": another name of the type, the same each time.
    labels (Sequence[str]): The types that are taken out; None for all.
    threshold (Union[float, Dict[str, float]]): From which probability on, one value for all types
        or one for each. Tokens that are so likely in an entity are taken out whether or not one was
        found there, so that a low value leaves less behind. None: the entities that are found.
    repeated (bool): Whether everything else in a text that has the words of an entity goes, too.
    mask_char (str), mask_length (int), hash_digits (int): See method.
    key_env (str), key_file (Union[str, Path]): The environment variable, or the file (mode 0600),
        with the secret key of hashes and surrogates.
    phrases (Union[str, Path]): Names for surrogates: a list with `phrase` and `label`.
    names_of (Union[str, Path]): Names for surrogates: a .spacy file, or a folder of such, whose
        entities are taken.
    map (Union[str, Path]): A file (mode 0600) to write that `unredact` needs. None: no original is
        written anywhere.
    offsets (bool): Whether each span of the output has its characters in the original, which tell
        how long that was.
    spans_key (str): Take doc.spans[spans_key], or "doc.ents". None: wherever the pipeline writes
        entities.
    input_format, text_field, id_field, quoting, chunk_size, max_rejects, overwrite, code: As those
        of predict.
    RETURNS (Redaction): Counts by type, and the files.
    RAISES ValueError: If an argument does not fit, an unfinished run was begun otherwise, or there
        are too many rejects. No message has anything of a text.
    """
    texts, output = Path(texts), Path(output)
    map = None if map is None else Path(map)
    if chunk_size < 1:
        raise ValueError(f"--chunk-size {chunk_size} must be at least 1.")
    key = read_key(key_env, key_file)
    substitutes = substitutes_of(
        method,
        key,
        mask_char=mask_char,
        mask_length=mask_length,
        hash_digits=hash_digits,
        phrases=phrases,
        names_of=names_of,
    )
    redactor = Redactor(
        substitutes, None if labels is None else frozenset(labels), threshold, repeated
    )
    journal = Journal(output, is_private=True)
    _check_files(texts, output, map, journal, overwrite=overwrite)
    check_pipeline_exists(model)
    source = open_input(texts, input_format, Fields(text_field, id_field), quoting)
    bound_kernel_caches()
    nlp = load_pipeline(model)
    rows = RedactionRows(has_offsets=offsets, map=map)
    unknown = check_labels_are_found(nlp, redactor)
    work = DocumentRedactor(nlp, redactor, rows, spans_key)
    settings = {
        "method": method, "labels": None if labels is None else sorted(set(labels)),
        "threshold": dict(threshold) if isinstance(threshold, Mapping) else threshold,
        "repeated": repeated, "mask_char": mask_char, "mask_length": mask_length,
        "hash_digits": hash_digits, "key": fingerprint(key), "phrases": _digest(phrases),
        "names_of": _digest(names_of), "map": map is not None, "offsets": offsets,
        "spans_key": spans_key, "input_format": input_format, "text_field": text_field,
        "id_field": id_field, "quoting": quoting, "chunk_size": chunk_size,
        "code": None if code is None else file_digest(code),
    }  # fmt: skip
    done = carry_out(
        work,
        nlp,
        source,
        journal,
        run_identity(nlp, model, texts, settings),
        chunk_size=chunk_size,
        verb="Redacting",
        overwrite=overwrite,
        max_rejects=max_rejects,
    )
    types = dict(sorted(rows.counts.items()))
    missed = [label for label in unknown if label not in types]
    warnings = [*work.warnings(), *_never_found(missed), *_without_names(types)]
    return Redaction(
        str(output), done.counts, done.before, done.seconds, types, done.rejects, map, warnings
    )


def substitutes_of(
    method: str,
    key: bytes | None = None,
    *,
    mask_char: str = BLOCK,
    mask_length: int | None = None,
    hash_digits: int = DIGITS,
    phrases: str | Path | None = None,
    names_of: str | Path | None = None,
) -> Substitutes:
    """What stands in the place of entities, by the arguments of redact.

    RAISES ValueError: There is no such method, it lacks a key or names, or one is given for
        nothing.
    """
    if method not in METHODS:
        raise ValueError(f"method = {method!r} is unknown: use one of {', '.join(METHODS)}.")
    if (phrases is not None or names_of is not None) and method != SURROGATE:
        raise ValueError(f"Names are for surrogates, but method = {method!r}: leave them out.")
    if method in (MASK, LABEL):
        if key is not None:
            raise ValueError(f"method = {method!r} needs no key: leave it out.")
        return Labels() if method == LABEL else Masks(mask_char, mask_length)
    if key is None:
        raise ValueError(
            f"method = {method!r} needs a secret key: give --key-env, the name of an environment "
            "variable, or --key-file, a file that you alone may read. Without one, anybody could "
            "find the names by trying out names."
        )
    if method == HASH:
        return KeyedHashes(key, hash_digits)
    return Surrogates.read(key, phrases, names_of)


def _check_files(
    texts: Path, output: Path, map: Path | None, journal: Journal, *, overwrite: bool
) -> None:
    """RAISES ValueError: One of the files can't be written."""
    if output.suffix != ".jsonl":
        raise ValueError(
            f"{output} must be a .jsonl file: `ner-plus convert` writes other formats."
        )
    check_apart(texts, output)
    check_output_folder(output.parent)
    if map is None:
        return
    if map.resolve() == output.resolve():
        raise ValueError(f"The map and the output are both {map}: give the map another place.")
    check_apart(texts, map)
    check_output_folder(map.parent)
    if map.is_dir() or (map.exists() and not overwrite and not journal.folder.exists()):
        raise ValueError(
            f"The map {map} is there already: use --overwrite to replace it. What it restores is "
            "lost then."
        )


def _digest(path: str | Path | None) -> Any:
    return None if path is None else content_digest(Path(path))


def _never_found(labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    return [
        f"nothing was taken out of {', '.join(map(repr, labels))}, which no component of the "
        "pipeline says that it finds: is it spelt as the pipeline spells it?"
    ]


def _without_names(types: Mapping[str, TypeCounts]) -> list[str]:
    found = {label: its.without_surrogate for label, its in types.items() if its.without_surrogate}
    if not found:
        return []
    shown = ", ".join(f"{label} {n:,}" for label, n in found.items())
    return [f"there was no other name for some, so that the label stands there: {shown}"]
