"""The work folder beside an output: complete chunks and what they were made from.

Whenever the process is killed, a chunk is there whole, with its rejects, or not at all.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..support.committed_folder import CommittedFolder, remove_at_once
from ..support.digests import file_digest
from ..support.durable import remove, sync, sync_tree, write_atomically
from ..support.full_disk import told_if_full
from ..support.locks import locked
from ..support.run_identity import differences, refuse
from .outputs import concatenate

PART, REJECTS, RECORD = "part", "rejects.jsonl", "chunk.json"
IDENTITY, UNFINISHED, JOINED, LOCK = "run.json", "unfinished", "joined", "lock"


@dataclass(frozen=True)
class ChunkCounts:
    """Of a chunk, or of all."""

    documents: int = 0
    words: int = 0
    entities: int = 0
    rejects: int = 0

    def __add__(self, other: "ChunkCounts") -> "ChunkCounts":
        return ChunkCounts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))


class Journal:
    """What is done of a run.

    output (Path): Where the result goes in the end, a file or a folder. The work folder is
        `<output>.unfinished`, the rejects file `<output>.rejects.jsonl`. As a context, it keeps
        other processes from working on the same until its end (but not on Windows).
    is_private (bool): Whether nobody else may look into the work folder (but on Windows).
    """

    def __init__(self, output: Path, *, is_private: bool = False) -> None:
        self.output = output
        self.rejects = output.with_name(f"{output.name}.rejects.jsonl")
        self.folder = output.with_name(f"{output.name}.unfinished")
        self._removed = output.with_name(f"{output.name}.removed")
        self._mode = 0o700 if is_private else 0o777
        self._locks = ExitStack()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._locks.close()

    def open(self, identity: dict[str, Any], *, overwrite: bool) -> ChunkCounts:
        """Begin a run, or go on with one.

        identity (dict): What the result depends on, by name, as JSON data.
        overwrite (bool): Whether to begin anew, and replace an output that is there. A run without
            a complete chunk is begun anew anyhow.
        RETURNS (ChunkCounts): Of what is done already.
        RAISES ValueError: If the output is there and not to be overwritten, the run that was begun
            is another or another process's, or its files are damaged.
        """
        is_there = self.folder.exists()
        if is_there:
            self._lock()
        remove(self._removed)
        begun = self.folder / IDENTITY
        if overwrite or not (begun.exists() and self.chunks()):
            if self.output.exists():
                self._check_replaceable(overwrite)
            if is_there:
                self._discard()
            self._make_folder()
            write_atomically(begun, json.dumps(identity, indent=2))
            sync(self.folder.parent)
        else:
            self._compare(json.loads(begun.read_text(encoding="utf8")), identity)
        chunks = self.chunks()
        for number, chunk in enumerate(chunks):
            if int(chunk.name) != number:
                raise _damage(self.folder / _chunk_name(number))
        return sum((_verified(chunk) for chunk in chunks), ChunkCounts())

    def _make_folder(self) -> None:
        self.output.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.folder.mkdir(mode=self._mode)
        except FileExistsError as error:  # it was not there a moment ago
            raise ValueError(f"Another process is at work on {self.output}.") from error
        self._lock()

    def _lock(self) -> None:
        self._locks.enter_context(locked(self.folder / LOCK, self.output))

    def _check_replaceable(self, overwrite: bool) -> None:
        if not overwrite:
            raise ValueError(f"{self.output} is there already: use --overwrite to replace it.")
        if not (self.output.is_file() or self.output.is_dir()):
            raise ValueError(f"{self.output} is not replaced, as it is neither file nor folder.")
        if self.output.is_dir():
            others = [path for path in self.output.iterdir() if path.suffix != ".spacy"]
            if others:
                raise ValueError(
                    f"{self.output} is not replaced, as it is a folder with more than .spacy "
                    f"files, such as {others[0].name}: remove it yourself."
                )

    def _compare(self, before: dict[str, Any], now: dict[str, Any]) -> None:
        refuse(
            differences(before, now),
            f"{self.folder} is of a run that began otherwise",
            "Make it as it was to go on, or use --overwrite to begin anew.",
        )

    def chunks(self) -> list[Path]:
        """The folders of the complete chunks in order."""
        return sorted(path for path in self.folder.iterdir() if path.name.isdecimal())

    def commit(self, number: int, fill: Callable[[Path, Path], ChunkCounts]) -> ChunkCounts:
        """Write a chunk.

        number (int): Which it is, from 0.
        fill: Writes results and rejects to the files that it is given.
        """
        chunk = self.folder / _chunk_name(number)
        with CommittedFolder(chunk, unfinished=self.folder / UNFINISHED).writing() as folder:
            files = [folder / PART, folder / REJECTS]
            counts = fill(*files)
            digests = {file.name: file_digest(file) for file in files}
            record = {"counts": asdict(counts), "sha256": digests}
            (folder / RECORD).write_text(json.dumps(record), encoding="utf8")
        return counts

    def finish(self, join: Callable[[Sequence[Path], Path], None]) -> None:
        """Put the output and the rejects file, if there are any, in their places.

        The work folder is removed.

        join: Makes the output of the parts of all chunks.
        """
        chunks = self.chunks()
        joined, rejects = self.folder / JOINED, self.folder / REJECTS
        remove(joined)
        with told_if_full(self.output):
            join([chunk / PART for chunk in chunks], joined)
            concatenate([chunk / REJECTS for chunk in chunks], rejects)
            sync_tree(joined)
            sync(rejects)
        if rejects.stat().st_size:
            rejects.replace(self.rejects)
        else:
            self.rejects.unlink(missing_ok=True)
        if self.output.is_dir():
            remove(self.output)
        joined.replace(self.output)
        sync(self.output.parent)
        self._discard()

    def _discard(self) -> None:
        remove_at_once(self.folder, removed=self._removed)


def _values(counts: ChunkCounts) -> list[int]:
    return list(asdict(counts).values())


def _chunk_name(number: int) -> str:
    return f"{number:08d}"


def _verified(chunk: Path) -> ChunkCounts:
    try:
        record = json.loads((chunk / RECORD).read_text(encoding="utf8"))
        is_whole = all(
            file_digest(chunk / name) == digest for name, digest in record["sha256"].items()
        )
    except (OSError, ValueError) as error:
        raise _damage(chunk) from error
    if not is_whole:
        raise _damage(chunk)
    return ChunkCounts(**record["counts"])


def _damage(chunk: Path) -> ValueError:
    return ValueError(f"{chunk} is missing or damaged: begin anew with --overwrite.")
