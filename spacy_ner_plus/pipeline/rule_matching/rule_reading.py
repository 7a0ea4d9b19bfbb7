"""Rules from files and from plain data, each with where it is from.

JSONL has a rule a line, of any form, as entity_ruler's patterns.jsonl; a first line
{"rules_version": 1} may say which version of the rows it is. CSV and TSV have a phrase a row under
the names of their columns, and text files a phrase a line.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import srsly

from ...text.phrases.phrase_lists import list_rows
from .rule import COMMON, Rule, check_defaults, read_rule

logger = logging.getLogger("spacy_ner_plus")

VERSION = 1
VERSION_KEY = "rules_version"
# What columns of tables are called.
COLUMNS = ("phrase", *COMMON)
# What entity_ruler saves in its folder.
PATTERNS, CFG = "patterns.jsonl", "cfg"

# A rule and where it is from, in words.
Placed = tuple[Rule, str]
# A row, a path, or {"path": ...} with values for all rows of the file.
RuleSource = str | Path | Mapping[str, Any]


def read_rules(
    sources: RuleSource | Iterable[RuleSource],
    defaults: Mapping[str, Any] | None = None,
    told: set[Path] | None = None,
) -> Iterator[Placed]:
    """Rules, one by one.

    sources: Paths of files, objects with "path" and values of COMMON for all rows of that file, and
        rules as rows; or one of these.
    defaults (Dict): Values of COMMON for rows that have none.
    told (Set[Path]): The files whose other columns the log has already, if they are read again.
    RAISES ValueError: If a file is not there, can't be read or has no rules, or a row is no rule:
        with its place.
    """
    told = set() if told is None else told
    if isinstance(sources, str | Path | Mapping):
        sources = [sources]
    for i, source in enumerate(sources):
        if isinstance(source, str | Path):
            yield from read_file(Path(source), defaults or {}, told)
        elif isinstance(source, Mapping) and "path" in source:
            own = {key: value for key, value in source.items() if key != "path"}
            check_defaults(own)
            yield from read_file(Path(source["path"]), {**(defaults or {}), **own}, told)
        else:
            yield _placed(source, defaults or {}, f"rule {i + 1}")


def is_rules_file(path: Path) -> bool:
    """Whether a path is a file of rules by its name, or the folder of an entity_ruler."""
    suffix = Path(path.name.removesuffix(".gz")).suffix
    return suffix in (".jsonl", ".csv", ".tsv", ".txt") or (path / PATTERNS).is_file()


def read_file(path: Path, defaults: Mapping[str, Any], told: set[Path]) -> Iterator[Placed]:
    """The rules in a file, or in the folder that an entity_ruler was saved to.

    RAISES ValueError: See read_rules.
    """
    if path.is_dir() and (path / PATTERNS).is_file():
        defaults = {**defaults, **_attribute_of_ruler(path / CFG)}
        path = path / PATTERNS
    phrases = path.name.partition(".")[0]
    is_table = ".jsonl" not in path.suffixes
    n_rules = 0
    for line, row in list_rows(path):
        where = f"{path}, line {line}"
        if VERSION_KEY in row:
            _check_version(row, where, is_first=line == 1)
            continue
        if is_table and not (row := _cells(row, path, told)):
            continue
        n_rules += 1
        yield _placed(row, defaults, where, phrases=phrases)
    if not n_rules:
        raise ValueError(f"{path} has no rules: add some, or leave it out.")


def _placed(row: Any, defaults: Mapping[str, Any], where: str, **names: str) -> Placed:
    try:
        return read_rule(row, defaults, **names), where
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _attribute_of_ruler(path: Path) -> dict[str, str]:
    """How an entity_ruler compared its phrases."""
    saved = srsly.read_json(path) if path.is_file() else {}
    attribute = saved.get("phrase_matcher_attr") if isinstance(saved, dict) else None
    return {"attribute": attribute} if attribute else {}


def _check_version(row: Mapping[str, Any], where: str, *, is_first: bool) -> None:
    if not is_first or row != {VERSION_KEY: VERSION}:
        raise ValueError(
            f'{where}: {dict(row)!r:.80} must be the first line, and {{"{VERSION_KEY}": '
            f"{VERSION}}}: this version of spacy_ner_plus reads no other rules."
        )


def _cells(row: Mapping[str, Any], path: Path, told: set[Path]) -> dict[str, Any]:
    """The cells of a table that say something; of other columns it is said that they don't."""
    others = row.keys() - set(COLUMNS)
    if others and path not in told:
        names = ", ".join(sorted(map(repr, others)))
        logger.warning(
            "%s: of its columns, %s are not read: only %s are.", path, names, ", ".join(COLUMNS)
        )
        told.add(path)
    return {name: cell for name, cell in row.items() if name in COLUMNS and cell.strip()}
