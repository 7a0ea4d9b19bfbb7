"""Texts annotated by a language model: what `ner-plus annotate-llm` does, for Python."""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..annotation.doc_records import to_doc
from ..data.blank_pipeline import blank_pipeline
from ..data.formats.record_files import output_format, read, write
from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields, Input, Reject, RowError, SourceDocument
from ..pipeline.llm_reading.doc_texts import examples_of, tokenised
from ..pipeline.llm_reading.encoder_similarity import load_similarity
from ..pipeline.llm_reading.labels_file import read_labels
from ..pipeline.llm_reading.llm_reader import LlmReader
from ..pipeline.llm_reading.llm_settings import LlmSettings
from ..pipeline.llm_reading.prompting.label_guides import LabelSettings
from ..pipeline.llm_reading.prompting.prompt_writing import write_prompt
from ..pipeline.llm_reading.prompting.tf_idf import TfIdf
from ..pipeline.llm_reading.prompting.worked_examples import WorkedExample
from ..pipeline.llm_reading.read_text import ReadSpan, ReadText, ungrounded
from ..records import SpanRecord, TextRecord
from ..support.durable import write_atomically
from ..support.output_folder import check_output_folder
from .llm_summary import LlmSummary

ACCEPTED, IGNORED = "accepted", "ignored"
CACHE_SUFFIX = ".answers"
_MOST_ERRORS = 5


def annotate_llm(
    input: str | Path,
    output: str | Path,
    *,
    labels: LabelSettings | str | Path,
    base_url: str,
    model: str,
    examples: str | Path | None = None,
    encoder: str | None = None,
    lang: str = "en",
    input_format: str | None = None,
    output_format: str | None = None,
    text_field: str = "text",
    id_field: str = "id",
    cache: str | Path | None = None,
    use_cache: bool = True,
    batch_size: int = 64,
    overwrite: bool = False,
    extra: Mapping[str, Any] | str | None = None,
    **settings: Any,
) -> LlmSummary:
    """Have a language model annotate texts, on any server that speaks OpenAI's protocol.

    All answers are kept in a file, so that after a kill, or when a budget is spent, the same call
    goes on without asking again. Nothing is guessed: what the model names and the text does not
    have, or has in several places, is in the meta of its record, and counted.

    input (str / Path): Texts, as `predict` takes them.
    output (str / Path): A file of any format of annotated texts, best .jsonl, which keeps all that
        is known.
    labels: The types of entities: a file of YAML, or as LlmSettings takes them.
    base_url (str): The server's address, such as http://127.0.0.1:8000/v1. model (str): The
        model's name there.
    examples (str / Path): Annotated texts of any format, of which some are shown with each text.
    encoder (str): A folder with a transformer, by whose vectors they are chosen; None to choose
        them by their words.
    lang (str): Language whose tokenizer says where entities may start and end.
    input_format, output_format (str): What they are, if not what the suffixes say.
    text_field, id_field (str): The fields with the text, and with what names the document.
    cache (str / Path): The file with the answers; None for one beside the output. use_cache (bool):
        Whether there is one.
    batch_size (int): Documents whose requests are sent together.
    overwrite (bool): Whether to replace an output that is there.
    extra (Dict / str): Further fields of requests, or an object of them as JSON; those that are
        None or null are left out, also of ours.
    settings: Further ones of LlmSettings, such as samples=5 or max_cost=2.0.
    RETURNS (LlmSummary): Counts, and what it cost.
    RAISES ValueError: If an argument does not fit, or the server answers nothing.
    """
    path = Path(output)
    format = _output_format(path, output_format, overwrite=overwrite)
    source = open_input(Path(input), input_format, Fields(text=text_field, id=id_field))
    if use_cache:
        settings["cache"] = str(cache or path.with_name(f"{path.name}{CACHE_SUFFIX}"))
    settings["extra"] = _read_extra(extra)
    llm = LlmSettings(model=model, base_url=base_url, labels=read_labels(labels), **settings)
    nlp = blank_pipeline(lang)
    nlp.add_pipe("sentencizer")
    summary = LlmSummary(path)
    pool = _examples(examples, nlp, llm, summary)
    load = TfIdf if encoder is None else partial(load_similarity, encoder, nlp)
    run = _Run(nlp, llm.reader(pool, load), source, summary, batch_size)
    options = {"nlp": nlp} if format == "spacy" else {}
    write(run.records(), path, format, **options)
    run.finish()
    return summary


def _read_extra(extra: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """RAISES ValueError: If it is no object."""
    try:
        found = json.loads(extra) if isinstance(extra, str) else extra or {}
    except ValueError as error:
        raise ValueError(f"extra = {extra!r:.80} is no JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"extra = {extra!r:.80} must be an object of fields.")
    return found


def _output_format(path: Path, format: str | None, *, overwrite: bool) -> str:
    """RAISES ValueError: If nothing could be written in the end."""
    check_output_folder(path.parent)
    if path.exists() and not overwrite:
        raise ValueError(
            f"{path} is there already, and somebody may have worked on it: name another, or give "
            "--overwrite. Answers in the cache are not asked for again."
        )
    return output_format(path, format)


def _examples(
    path: str | Path | None, nlp: Language, llm: LlmSettings, summary: LlmSummary
) -> list[WorkedExample]:
    """RAISES ValueError: If there are annotated texts, and none of them can be an example."""
    if path is None:
        return []
    docs = (_with_sentences(to_doc(record, nlp)[0], nlp) for record in read(path))
    labels = list(llm.labels)
    found, summary.examples_left_out = examples_of(docs, labels, llm.max_example_tokens)
    summary.examples = len(found)
    if not found:
        raise ValueError(
            f"No sentence of {path} can be an example for the labels {', '.join(labels)}: "
            f"{dict(summary.examples_left_out)}."
        )
    return found


def _with_sentences(doc: Doc, nlp: Language) -> Doc:
    return doc if doc.has_annotation("SENT_START") else nlp.get_pipe("sentencizer")(doc)


class _Run:
    """All texts of an input."""

    def __init__(
        self, nlp: Language, reader: LlmReader, source: Input, summary: LlmSummary, batch_size: int
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size = {batch_size} must be at least 1.")
        self._nlp = nlp
        self._reader = reader
        self._source = source
        self._summary = summary
        self._batch_size = batch_size
        self._rejects: list[Reject] = []
        self._labels = tuple(guide.label for guide in reader.guides)
        task = write_prompt(reader.guides, "").task
        self._prompt = sha256(task.encode("utf8")).hexdigest()[:16]

    def records(self) -> Iterator[TextRecord]:
        """The texts with their entities, up to where the budget is spent."""
        total = self._source.count() if sys.stderr.isatty() else None
        with tqdm(total=total, desc="Annotating", unit="docs", disable=None, leave=False) as bar:
            rows = self._documents()
            while documents := list(islice(rows, self._batch_size)):
                docs = [self._make_doc(document) for document in documents]
                reads = self._reader.read([tokenised(doc) for doc in docs])
                for document, found in zip(documents, reads, strict=True):
                    if found.is_unpaid:
                        self._summary.not_asked = True
                        return
                    self._count(found)
                    yield self._record(document, found)
                    bar.update()
                bar.set_postfix_str(f"{self._summary.entities.total():,} entities", refresh=False)

    def finish(self) -> None:
        """Complete the summary, and write down which rows are no texts."""
        summary, client = self._summary, self._reader.client
        summary.requests = client.spending.counts
        summary.cost = client.spending.cost
        summary.rejects = len(self._rejects)
        if self._rejects:
            summary.rejects_file = summary.output.with_name(f"{summary.output.name}.rejects.jsonl")
            lines = "".join(f"{reject.as_json()}\n" for reject in self._rejects)
            write_atomically(summary.rejects_file, lines)

    def _documents(self) -> Iterator[SourceDocument]:
        for row in self._source.rows():
            try:
                yield self._source.parse(row)
            except RowError as error:
                shown = self._source.show(row)
                self._rejects.append(Reject(row.file, row.row, str(error), shown))

    def _make_doc(self, document: SourceDocument) -> Doc:
        tokens = document.tokens
        if tokens is None:
            return self._nlp(document.text)
        return self._nlp(Doc(self._nlp.vocab, words=tokens.words, spaces=tokens.spaces))

    def _count(self, found: ReadText) -> None:
        summary = self._summary
        summary.documents += 1
        summary.entities.update(span.label for span in found.spans)
        summary.undecided += len(found.left_out)
        summary.counts += found.counts
        summary.other_labels += found.other_labels
        new = [error for error in found.errors if error not in summary.errors]
        summary.errors += new[: _MOST_ERRORS - len(summary.errors)]

    def _record(self, document: SourceDocument, found: ReadText) -> TextRecord:
        settings = self._reader.settings
        provenance: dict[str, Any] = {
            "model": settings.model,
            "served_as": list(found.models),
            "prompt": self._prompt,
            "samples": settings.n_samples,
            "counts": dict(found.counts),
        }
        meta: dict[str, Any] = {"llm": provenance}
        if found.lost:
            meta["ungrounded"] = ungrounded(found)
        return TextRecord(
            document.text,
            id=document.id,
            meta=meta,
            annotated_labels=self._labels,
            spans=(
                *(_span(one, document.text, ACCEPTED) for one in found.spans),
                *(_span(one, document.text, IGNORED) for one in found.left_out),
            ),
            unknown=found.unknown,
        )


def _span(span: ReadSpan, text: str, status: str) -> SpanRecord:
    return SpanRecord(
        span.start,
        span.end,
        span.label,
        text=text[span.start : span.end],
        probability=span.probability,
        status=status,
        grounding=span.grounding,
    )
