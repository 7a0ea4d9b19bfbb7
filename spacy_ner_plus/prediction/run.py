"""A whole run of a pipeline over an input, whose entities are written."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields, Input, InputRow, Reject, SourceDocument
from ..data.sources.separated_rows import AUTO
from ..pipeline.entity_sources import source_of
from ..pipeline.preparing import check_pipeline_exists, load_pipeline
from ..pipeline.run_counts import run_counts
from ..support.output_folder import check_output_folder
from .chunked_run import carry_out, check_apart, run_identity
from .journal import ChunkCounts, Journal
from .outputs import Output, SpacyOutput, open_output
from .predicted import Found, Predicted
from .predictor import Predictor
from .row_forms import RECORDS, form_of_rows
from .sentence_readings import SentenceReader


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
    check_apart(input, output)
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
    reader = None
    if settings.k_best is not None:
        reader = SentenceReader(nlp, settings.component, settings.k_best)
    done = carry_out(
        _Prediction(source, writer, Predictor(nlp, reader), found),
        nlp,
        source,
        Journal(output),
        run_identity(nlp, model, input, _named(settings)),
        chunk_size=settings.chunk_size,
        verb="Predicting",
        overwrite=overwrite,
        max_rejects=max_rejects,
    )
    counted = run_counts(nlp).since(counted_before)
    return RunSummary(
        done.counts,
        done.before,
        done.seconds,
        done.rejects,
        dict(counted.refused),
        counted.n_greedy,
    )


def _named(settings: PredictionSettings) -> dict[str, Any]:
    """The settings, as a run that goes on compares them."""
    named = asdict(settings) | {"rows": form_of_rows(settings.rows).name}
    return named | {f"{name} field": value for name, value in named.pop("fields").items()}


@dataclass(frozen=True)
class _Prediction:
    """The work of finding entities: see ChunkWork."""

    source: Input
    writer: Output
    predictor: Predictor
    found: Found

    def results(
        self, documents: Sequence[SourceDocument], tick: Callable[[Doc], None]
    ) -> list[Predicted | str]:
        return self.predictor.run(documents, tick)

    def check(self, results: Sequence[Predicted]) -> None:
        # A .spacy file is of use without entities too.
        if not isinstance(self.writer, SpacyOutput):
            self.found.check([one.doc for one in results])

    def write(self, path: Path, results: Sequence[Predicted]) -> None:
        self.writer.write(path, results, self.found)

    def sizes(self, result: Predicted) -> tuple[int, int]:
        return len(result.doc), self.found.count(result.doc)

    def reject(self, row: InputRow, reason: str) -> Reject:
        return Reject(row.file, row.row, reason, self.source.show(row))

    def join(self, parts: Sequence[Path], path: Path) -> None:
        self.writer.join(parts, path)
