"""Strings of tokens that are cut further: a JSON file of {"token": ["pieces", "of it"]}."""

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

Exceptions = dict[str, tuple[str, ...]]


def check_exceptions(value: Any, source: str) -> Exceptions:
    """What a value says, if it is exceptions.

    source (str): Where it is from, for the message.
    RAISES ValueError: It is no object of lists whose strings make up the token.
    """
    if not isinstance(value, Mapping):
        raise ValueError(
            f"{source} must be an object of tokens and their pieces, got {value!r:.80}."
        )
    for token, pieces in value.items():
        is_list = isinstance(pieces, (list, tuple)) and len(pieces) > 1
        are_pieces = is_list and all(isinstance(p, str) and p and not p.isspace() for p in pieces)
        if not are_pieces or "".join(pieces) != token:
            raise ValueError(
                f"{source}: the pieces of {token!r} must be two or more strings that make it up, "
                f"got {pieces!r:.80}."
            )
    return {token: tuple(pieces) for token, pieces in value.items()}


def read_exceptions(path: str | Path) -> Exceptions:
    """Read a file of exceptions. RAISES ValueError: It is not there, or holds something else."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"There is no file of tokenizer exceptions {path}: write it with "
            "ner-plus convert --misaligned split --exceptions FILE, or correct its name."
        )
    try:
        value = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(f"{path} is no JSON: {error}") from None
    return check_exceptions(value, str(path))


def exceptions_text(exceptions: Mapping[str, Iterable[str]]) -> str:
    """The text of such a file; the same exceptions give the same text."""
    rows = {token: list(pieces) for token, pieces in sorted(exceptions.items())}
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def cuts_of(pieces: Iterable[str]) -> set[int]:
    """Where pieces meet, in characters of the token."""
    cuts, at = set(), 0
    for piece in pieces:
        at += len(piece)
        cuts.add(at)
    return cuts - {at}


def cut(token: str, cuts: Iterable[int]) -> tuple[str, ...]:
    """The pieces of a token that is cut there."""
    edges = [0, *sorted(set(cuts)), len(token)]
    return tuple(token[start:end] for start, end in pairwise(edges))
