"""Answers on the disk, so that nothing is asked twice, whatever happens."""

import errno
import json
import logging
import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from ....support.full_disk import told_if_full
from .completions_protocol import LlmAnswer, TokenScore

logger = logging.getLogger("spacy_ner_plus")

FORMAT = 1
_BEGIN = b'{"key": "'  # of each line


def request_key(url: str, body: Mapping[str, Any]) -> str:
    """What stands for a request: SHA-256 of its address and body. Neither is kept."""
    whole = json.dumps([FORMAT, url, body], sort_keys=True)
    return sha256(whole.encode()).hexdigest()


class AnswerCache:
    """A file with a line for each answer, which only its owner can read.

    A line is written at once and synced, so that a kill costs one answer at most; a line that is
    damaged is not used, and its answer asked for again. Processes may share the file. A file of
    anything else is left alone: a pipeline of a stranger may name any.

    path (Path): The file; it is made when it is needed.

    Attributes:
        n_damaged (int): Lines that could not be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_damaged = 0
        self._places: dict[str, tuple[int, int]] | None = None
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def get(self, key: str) -> LlmAnswer | None:
        """The answer to a request, if it is there."""
        with self._lock:
            place = self._index().get(key)
            if place is None:
                return None
            with self.path.open("rb") as file:
                file.seek(place[0])
                row = _read_row(file.read(place[1]))
        return None if row is None or row["key"] != key else _answer_of(row)

    def put(self, key: str, answer: LlmAnswer) -> None:
        """Keep an answer.

        RAISES FullDiskError: If the disk is full. ValueError: If the file can't be written.
        """
        line = json.dumps(_row_of(key, answer), ensure_ascii=True).encode() + b"\n"
        with self._lock, told_if_full(self.path):
            index = self._index()
            descriptor = self._open()
            try:
                end = os.fstat(descriptor).st_size
                # what a kill has left ends in the middle of a line
                os.lseek(descriptor, max(0, end - 1), os.SEEK_SET)
                is_torn = os.read(descriptor, 1) not in (b"\n", b"")
                _write(descriptor, b"\n" + line if is_torn else line)
                os.fsync(descriptor)
                start = os.fstat(descriptor).st_size - len(line)
            finally:
                os.close(descriptor)
            index[key] = (start, len(line))

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise ValueError(
                f"The cache {self.path} can't be written: {error.strerror}. Name another file, or "
                "have none."
            ) from error
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077 and os.name != "nt":
            os.fchmod(descriptor, 0o600)
        return descriptor

    def _index(self) -> dict[str, tuple[int, int]]:
        """Where the line of each request is: start and length in bytes."""
        if self._places is None:
            self._places = {}
            if self.path.is_file():
                self._fill(self._places)
        return self._places

    def _fill(self, places: dict[str, tuple[int, int]]) -> None:
        at = 0
        with self.path.open("rb") as file:
            if file.read(len(_BEGIN)) not in (_BEGIN, b""):
                raise ValueError(
                    f"{self.path} is no cache of answers, and nothing is written to it: name "
                    "another file."
                )
            file.seek(0)
            for line in file:
                row = _read_row(line)
                if row is not None:
                    places[row["key"]] = (at, len(line))
                elif line.strip():
                    self.n_damaged += 1
                at += len(line)
        if self.n_damaged:
            logger.warning(
                "%s: %d lines are damaged, their answers will be asked for again.",
                self.path,
                self.n_damaged,
            )


def _write(descriptor: int, content: bytes) -> None:
    """All of it in one piece, so that lines of several processes do not mix."""
    if os.write(descriptor, content) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _row_of(key: str, answer: LlmAnswer) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": key,
        "text": answer.text,
        "finish": answer.finish,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "model": answer.model,
    }
    if answer.scores:
        row["scores"] = [[one.piece.hex(), one.log_probability] for one in answer.scores]
    return row


def _read_row(line: bytes) -> dict[str, Any] | None:
    """A line, if it is whole."""
    try:
        row = json.loads(line)
        is_sound = isinstance(row["key"], str) and line.endswith(b"\n")
        _answer_of(row)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return row if is_sound else None


def _answer_of(row: Mapping[str, Any]) -> LlmAnswer:
    scores = [TokenScore(bytes.fromhex(piece), float(one)) for piece, one in row.get("scores", ())]
    counts = [row["prompt_tokens"], row["completion_tokens"]]
    if not all(one is None or type(one) is int for one in counts):
        raise ValueError("no numbers")
    texts = [row[name] for name in ("text", "finish", "model")]
    if not all(isinstance(one, str) for one in texts):
        raise ValueError("no text")
    return LlmAnswer(texts[0], texts[1], counts[0], counts[1], tuple(scores), texts[2], True)
