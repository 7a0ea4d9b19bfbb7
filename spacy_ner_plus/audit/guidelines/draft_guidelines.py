"""Guidelines for annotators from annotated data: a draft, or what it adds to those that exist."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.blank_pipeline import blank_pipeline
from ...support.durable import write_atomically
from ..audited import read_corpus
from .draft import Draft, make_draft
from .guidelines_file import parse, read_text

ENDINGS = (".md", ".markdown")


def guidelines(
    data: str | Path,
    output: str | Path | None = None,
    *,
    questions: int = 3,
    format: str | None = None,
    lang: str = "en",
    options: Mapping[str, Any] | None = None,
    group: int | None = None,
) -> Draft:
    """Draft guidelines: what each entity type covers in the data, and what there is to decide.

    data (str | Path): Annotated texts, in any format that `read` knows.
    output (str | Path): Markdown file to write. If there is one, what people have written and
        decided stays, counts and examples are made anew, and new questions are added.
    questions (int): Of each kind and entity type at most, the most doubtful first.
    format (str): Of the data, if its content does not tell.
    lang (str): Language whose tokenizer cuts texts that have no tokens.
    options (Mapping[str, Any]): Of the format: see `read`.
    group (int): Sentences a document, in column files that mark none; None for 1.
    RETURNS (Draft): Its text, its decisions, and what is new or obsolete.
    RAISES (ValueError): The data or the file can't be read: what is wrong, where, and what to do.
    """
    if questions < 0:
        raise ValueError(f"questions must be 0 or more, got {questions}.")
    path = None if output is None else Path(output)
    if path is not None:
        _check_output(path)
    # before the data, which take longer
    existing = parse(read_text(path), str(path)) if path and path.exists() else []
    of_format = {**(options or {}), **({} if group is None else {"group": group})}
    corpus = read_corpus({"data": Path(data)}, blank_pipeline(lang), format=format, **of_format)
    draft = make_draft(list(corpus.texts()), existing, questions)
    if path is not None:
        write_atomically(path, draft.text)
    return draft


def _check_output(path: Path) -> None:
    """Find out whether guidelines can be written there, and would not be added to other data.

    RAISES ValueError: Its name is none of Markdown, or it can't be written.
    """
    if path.suffix.lower() not in ENDINGS and not path.is_dir():
        raise ValueError(f"Guidelines are Markdown: name a file that ends in .md, not {path}.")
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if there.is_file() and there != path.absolute():
        raise ValueError(f"{path} can't be made, as {there} is a file: name another one.")
    if not os.access(there, os.W_OK):
        raise ValueError(f"{there} can't be written to: name another file, or permit it.")
