"""Work on all documents of an input, chunk by chunk, from where it was left.

What the work is, its own class says: to predict is one.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from platform import python_version
from time import perf_counter
from typing import Any, Protocol

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..data.sources.rows import Input, InputRow, Reject, RowError, SourceDocument
from ..data.sources.separated_rows import AUTO, QUOTED
from ..support.digests import content_digest
from ..support.package_versions import PACKAGES, package_versions
from .journal import ChunkCounts, Journal

# Beside the usual ones.
FURTHER_PACKAGES = ("pyarrow", "spacy-transformers", "onnxruntime")


class ChunkWork(Protocol):
    """What is done with the documents of a chunk. A result is whatever it says."""

    def results(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> list[Any]:
        """What was made of each document; why nothing was, as a string.

        tick: Called with each Doc that is done.
        """

    def check(self, results: Sequence[Any]) -> None:
        """RAISES ValueError: The first chunk's results are not what is wanted."""

    def write(self, path: Path, results: Sequence[Any]) -> None:
        """Write the results of a chunk to a file."""

    def sizes(self, result: Any) -> tuple[int, int]:
        """The words and the entities of a result."""

    def reject(self, row: InputRow, reason: str) -> Reject:
        """What is told of a row without a result."""

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Make the output of the chunks' files, which stay."""


@dataclass(frozen=True)
class CarriedOut:
    """How a run ended.

    counts (ChunkCounts): Of the whole input. before (ChunkCounts): Of what an earlier run had done.
    seconds (float): What the rest took.
    rejects (Path): The file with the rejects; None if there are none.
    """

    counts: ChunkCounts
    before: ChunkCounts
    seconds: float
    rejects: Path | None


def carry_out(
    work: ChunkWork,
    nlp: Language,
    source: Input,
    journal: Journal,
    identity: Mapping[str, Any],
    *,
    chunk_size: int,
    verb: str,
    overwrite: bool = False,
    max_rejects: int | None = None,
) -> CarriedOut:
    """Do some work on all documents, or on those that an earlier run had not done.

    nlp (Language): Its memory zone is left behind each chunk.
    identity (Mapping[str, Any]): What the result depends on: an earlier run must have the same.
    chunk_size (int): Rows that are held in memory and written together.
    verb (str): What a terminal shows before the bar.
    overwrite (bool): Whether to begin anew, whatever is there.
    max_rejects (int): Stop if there are more rows without a result.
    RAISES ValueError: An earlier run was another, or there are too many rejects.
    """
    with journal:
        counts = before = journal.open(dict(identity), overwrite=overwrite)
        started = perf_counter()
        done = len(journal.chunks())
        with _Progress(source, counts.documents + counts.rejects, verb) as progress:
            chunks = _Chunks(work, nlp, source, progress)
            _check_rejects(counts, max_rejects, journal)
            for number, rows in enumerate(_cut(source, done, chunk_size), done):
                counts += chunks.commit(journal, number, rows)
                _check_rejects(counts, max_rejects, journal)
        journal.finish(work.join)
        seconds = perf_counter() - started
    return CarriedOut(counts, before, seconds, journal.rejects if counts.rejects else None)


def check_apart(input: Path, output: Path) -> None:
    """RAISES ValueError: One is the other, or within it."""
    one, other = input.resolve(), output.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ValueError(
            f"The output {output} and the input {input} are one within the other: give the output "
            "another place."
        )


def run_identity(
    nlp: Language, model: object, input: Path, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a result depends on, by name.

    model: What nlp was loaded from; nlp itself, if it was given and may have changed since.
    settings (Mapping[str, Any]): By the names of arguments. `quoting` is that of tables, if there
        is one.
    """
    loaded = nlp is not model
    content = content_digest(Path(str(nlp.path))) if loaded else sha256(nlp.to_bytes()).hexdigest()
    named = dict(settings)
    if named.get("quoting") == AUTO:
        named["quoting"] = QUOTED  # the same but for a warning
    versions = package_versions([*PACKAGES, *FURTHER_PACKAGES])
    return {
        "name of the input": input.name,
        "content of the input": content_digest(input),
        "name of the model": f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}",
        "content of the model": content,
        "version of python": python_version(),
        **{f"version of {package}": found for package, found in versions.items()},
        **{name.replace("_", " "): value for name, value in named.items()},
    }


def _cut(source: Input, done: int, size: int) -> Iterator[list[InputRow]]:
    rows = islice(source.rows(), done * size, None)
    while chunk := list(islice(rows, size)):
        yield chunk


def _check_rejects(counts: ChunkCounts, limit: int | None, journal: Journal) -> None:
    if limit is not None and counts.rejects > limit:
        raise ValueError(
            f"{counts.rejects:,} of {counts.rejects + counts.documents:,} rows were rejected, "
            f"--max-rejects is {limit:,}. See the reasons in {journal.folder}/*/rejects.jsonl; "
            "the same command with another limit goes on."
        )


class _Progress:
    """A bar with the rate of documents and words, on a terminal only."""

    def __init__(self, source: Input, n_done: int, verb: str) -> None:
        total = source.count() if sys.stderr.isatty() else None
        self._bar = tqdm(
            total=total, initial=n_done, desc=verb, unit="docs", disable=None, leave=False
        )
        self._started = perf_counter()
        self._n_words = 0

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tick(self, doc: Doc) -> None:
        self._n_words += len(doc)
        rate = self._n_words / max(perf_counter() - self._started, 1e-9)
        self._bar.set_postfix_str(f"{rate:,.0f} words/s", refresh=False)
        self._bar.update()

    def skip(self, n: int) -> None:
        self._bar.update(n)


@dataclass(frozen=True)
class _Chunks:
    """Turns rows into the files of a chunk."""

    work: ChunkWork
    nlp: Language
    source: Input
    progress: _Progress

    def commit(self, journal: Journal, number: int, rows: Sequence[InputRow]) -> ChunkCounts:
        def fill(part: Path, rejects: Path) -> ChunkCounts:
            with self.nlp.memory_zone():
                results, rejected = self._process(rows)
                if number == 0:
                    self.work.check(results)
                return self._write(results, rejected, part, rejects)

        return journal.commit(number, fill)

    def _process(self, rows: Sequence[InputRow]) -> tuple[list[Any], list[Reject]]:
        parsed = [self._parse(row) for row in rows]
        documents = [document for document in parsed if isinstance(document, SourceDocument)]
        outcomes = iter(self.work.results(documents, self.progress.tick))
        results: list[Any] = []
        rejected: list[Reject] = []
        for row, document in zip(rows, parsed, strict=True):
            outcome = next(outcomes) if isinstance(document, SourceDocument) else document
            if isinstance(outcome, str):
                rejected.append(self.work.reject(row, outcome))
            else:
                results.append(outcome)
        self.progress.skip(len(rejected))
        return results, rejected

    def _write(
        self, results: Sequence[Any], rejected: Sequence[Reject], part: Path, rejects: Path
    ) -> ChunkCounts:
        self.work.write(part, results)
        lines = "".join(f"{reject.as_json()}\n" for reject in rejected)
        rejects.write_text(lines, encoding="utf8", newline="\n")
        sizes = [self.work.sizes(result) for result in results]
        return ChunkCounts(
            documents=len(results),
            words=sum(words for words, _ in sizes),
            entities=sum(entities for _, entities in sizes),
            rejects=len(rejected),
        )

    def _parse(self, row: InputRow) -> SourceDocument | str:
        try:
            return self.source.parse(row)
        except RowError as error:
            return str(error)
