"""A whole run: read, process and write chunk by chunk, from where it was left."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from platform import python_version
from time import perf_counter
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields, Input, InputRow, Reject, RowError, SourceDocument
from ..data.sources.separated_rows import AUTO, QUOTED
from ..pipeline.entity_sources import source_of
from ..pipeline.preparing import check_pipeline_exists, load_pipeline
from ..pipeline.run_counts import run_counts
from ..support.digests import content_digest
from ..support.output_folder import check_output_folder
from ..support.package_versions import PACKAGES, package_versions
from .journal import ChunkCounts, Journal
from .outputs import Output, SpacyOutput, open_output
from .predicted import Found, Predicted
from .predictor import Predictor
from .row_forms import RECORDS, form_of_rows
from .sentence_readings import SentenceReader

# Beside the usual ones.
FURTHER_PACKAGES = ("pyarrow", "spacy-transformers", "onnxruntime")


@dataclass(frozen=True)
class PredictionSettings:
    """What a result depends on besides the model and the input.

    input_format, output_format (str): See open_input and open_output; None for what names tell.
    fields (Fields): Which fields of the rows are what.
    spans_key (str): Take doc.spans[spans_key], or "doc.ents"; None for what the pipeline says:
        see pipeline.entity_sources.
    k_best (int): How many readings of each sentence to give; None for none.
    component (str): The ner_plus component that gives the readings.
    chunk_size (int): Rows that are processed, held in memory and written together.
    rows (str): The form of rows that are written, one of row_forms.FORMS.
    code (str): SHA-256 of the Python file that was imported for the pipeline, if there was one.
    quoting (str): How cells of CSV and TSV are quoted: see open_input.
    """

    input_format: str | None = None
    output_format: str | None = None
    fields: Fields = field(default_factory=Fields)
    spans_key: str | None = None
    k_best: int | None = None
    component: str = "ner_plus"
    chunk_size: int = 1000
    rows: str = RECORDS
    code: str | None = None
    quoting: str = AUTO


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    counts (ChunkCounts): Of the whole input. before (ChunkCounts): Of what an earlier run had done.
    seconds (float): What processing the rest took.
    rejects (Path): The file with the rejects; None if there are none.
    refused (Dict[str, int]): Entities that validators left out in this run, by type.
    n_greedy (int): Groups of crossing spans in this run that were too large to find the best set,
        so that the most probable ones were taken first.
    """

    counts: ChunkCounts
    before: ChunkCounts
    seconds: float
    rejects: Path | None
    refused: dict[str, int] = field(default_factory=dict)
    n_greedy: int = 0

    @property
    def words_per_second(self) -> float:
        """The tokens that this run processed per second."""
        return (self.counts.words - self.before.words) / max(self.seconds, 1e-9)


def run_prediction(
    model: Language | str | Path,
    input: Path,
    output: Path,
    settings: PredictionSettings,
    *,
    overwrite: bool = False,
    max_rejects: int | None = None,
) -> RunSummary:
    """Run a pipeline over all documents of an input.

    If an earlier run with the same arguments was killed, it is over those that this had not done.
    The result is the same, byte by byte.

    model (Language / str / Path): Any pipeline, or its name or folder.
    input (Path): A file or folder.
    output (Path): A file, or for spaCy's format possibly a folder.
    settings (PredictionSettings): What the result depends on.
    overwrite (bool): Whether to begin anew, whatever is there.
    max_rejects (int): Stop if there are more rows without a result.
    RAISES ValueError: If an argument does not fit, an earlier run was another, or there are too
        many rejects.
    """
    if settings.chunk_size < 1:
        raise ValueError(f"--chunk-size {settings.chunk_size} must be at least 1.")
    if settings.k_best is not None and settings.k_best < 1:
        raise ValueError(f"--k-best {settings.k_best} must be at least 1.")
    _check_apart(input, output)
    check_output_folder(output.parent)
    check_pipeline_exists(model)
    source = open_input(input, settings.input_format, settings.fields, settings.quoting)
    writer = open_output(
        output,
        settings.output_format,
        form_of_rows(settings.rows),
        keeps_others=settings.fields.keeps_others,
        has_readings=settings.k_best is not None,
        spans_key=settings.spans_key,
    )
    nlp = load_pipeline(model)
    found = Found(source_of(nlp, settings.spans_key))
    counted_before = run_counts(nlp)
    content = _content_of(nlp) if nlp is model else content_digest(Path(str(nlp.path)))
    reader = None
    if settings.k_best is not None:
        reader = SentenceReader(nlp, settings.component, settings.k_best)
    with Journal(output) as journal:
        counts = before = journal.open(
            _identity(nlp, content, input, settings), overwrite=overwrite
        )
        started = perf_counter()
        done = len(journal.chunks())
        with _Progress(source, counts.documents + counts.rejects) as progress:
            work = _Work(nlp, source, writer, Predictor(nlp, reader), found, progress)
            _check_rejects(counts, max_rejects, journal)
            for number, rows in enumerate(_chunks(source, done, settings.chunk_size), done):
                counts += work.commit(journal, number, rows)
                _check_rejects(counts, max_rejects, journal)
        journal.finish(writer.join)
        seconds = perf_counter() - started
    rejects = journal.rejects if counts.rejects else None
    counted = run_counts(nlp).since(counted_before)
    return RunSummary(counts, before, seconds, rejects, dict(counted.refused), counted.n_greedy)


def _check_apart(input: Path, output: Path) -> None:
    one, other = input.resolve(), output.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ValueError(
            f"The output {output} and the input {input} are one within the other: give the output "
            "another place."
        )


def _content_of(nlp: Language) -> str:
    """SHA-256 of a pipeline that may have changed since it was loaded."""
    return sha256(nlp.to_bytes()).hexdigest()


def _identity(
    nlp: Language, content: str, input: Path, settings: PredictionSettings
) -> dict[str, Any]:
    named = asdict(settings) | {"rows": form_of_rows(settings.rows).name}
    if settings.quoting == AUTO:
        named["quoting"] = QUOTED  # the same but for a warning
    named |= {f"{name} field": value for name, value in named.pop("fields").items()}
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


def _chunks(source: Input, done: int, size: int) -> Iterator[list[InputRow]]:
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

    def __init__(self, source: Input, n_done: int) -> None:
        total = source.count() if sys.stderr.isatty() else None
        self._bar = tqdm(
            total=total, initial=n_done, desc="Predicting", unit="docs", disable=None, leave=False
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
class _Work:
    """Turns rows into the files of a chunk."""

    nlp: Language
    source: Input
    writer: Output
    predictor: Predictor
    found: Found
    progress: _Progress

    def commit(self, journal: Journal, number: int, rows: Sequence[InputRow]) -> ChunkCounts:
        def fill(part: Path, rejects: Path) -> ChunkCounts:
            with self.nlp.memory_zone():
                predicted, rejected = self._process(rows)
                # A .spacy file is of use without entities too.
                if number == 0 and not isinstance(self.writer, SpacyOutput):
                    self.found.check([one.doc for one in predicted])
                return self._write(predicted, rejected, part, rejects)

        return journal.commit(number, fill)

    def _process(self, rows: Sequence[InputRow]) -> tuple[list[Predicted], list[Reject]]:
        parsed = [self._parse(row) for row in rows]
        documents = [document for document in parsed if isinstance(document, SourceDocument)]
        outcomes = iter(self.predictor.run(documents, self.progress.tick))
        predicted: list[Predicted] = []
        rejected: list[Reject] = []
        for row, document in zip(rows, parsed, strict=True):
            outcome = next(outcomes) if isinstance(document, SourceDocument) else document
            if isinstance(outcome, Predicted):
                predicted.append(outcome)
            else:
                rejected.append(Reject(row.file, row.row, outcome, self.source.show(row)))
        self.progress.skip(len(rejected))
        return predicted, rejected

    def _write(
        self, predicted: Sequence[Predicted], rejected: Sequence[Reject], part: Path, rejects: Path
    ) -> ChunkCounts:
        self.writer.write(part, predicted, self.found)
        lines = "".join(f"{reject.as_json()}\n" for reject in rejected)
        rejects.write_text(lines, encoding="utf8", newline="\n")
        return ChunkCounts(
            documents=len(predicted),
            words=sum(len(one.doc) for one in predicted),
            entities=sum(self.found.count(one.doc) for one in predicted),
            rejects=len(rejected),
        )

    def _parse(self, row: InputRow) -> SourceDocument | str:
        try:
            return self.source.parse(row)
        except RowError as error:
            return str(error)
