"""What redaction leaves visible of annotated texts: what `ner-plus leakage` does, for Python."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from tqdm import tqdm

from ..annotation.doc_records import to_record
from ..annotation.entity_source import EntitySource
from ..data.doc_files import read_files
from ..data.formats.record_files import find_format, read
from ..data.sources.rows import SourceDocument
from ..pipeline.entity_sources import sources_of
from ..pipeline.preparing import load_pipeline
from ..pipeline.thresholds import read_threshold
from ..prediction.predicted import Predicted
from ..prediction.predictor import Predictor
from ..records import TextRecord
from .document_redactor import all_entities
from .likely import LabelledTokens, TokenReader, likely_stretches
from .redactor import Redactor, entities_of

THRESHOLDS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_BATCH = 128


@dataclass
class TypeLeakage:
    """What is visible of the annotated entities of a type.

    entities (int): All of them. visible (int): Those with a visible character, white space aside.
    whole (int): Those that are visible from end to end.
    characters, visible_characters (int): Of the entities, without white space.
    """

    entities: int = 0
    visible: int = 0
    whole: int = 0
    characters: int = 0
    visible_characters: int = 0

    def add(self, is_visible: np.ndarray) -> None:
        """Count an entity. is_visible: (n,) bool, of its characters but white space."""
        n_visible = int(is_visible.sum())
        self.entities += 1
        self.visible += n_visible > 0
        self.whole += n_visible == len(is_visible)
        self.characters += len(is_visible)
        self.visible_characters += n_visible


@dataclass
class ThresholdLeakage:
    """What redaction with a threshold leaves visible, and what it costs.

    threshold (Optional[float]): None for the entities that the pipeline finds, as it is.
    types (Dict[str, TypeLeakage]): By annotated type.
    other (int): Characters that are in no entity of the types in question, where the annotation
        says so, without white space.
    hidden_other (int): Those of them that are hidden.
    """

    threshold: float | None = None
    types: dict[str, TypeLeakage] = field(default_factory=dict)
    other: int = 0
    hidden_other: int = 0


@dataclass
class Leakage:
    """What redaction leaves visible of annotated texts.

    data (str): What was read.
    documents (int): Annotated ones that the pipeline read.
    failed (int): Those that it failed on, which redaction would not write.
    without_annotation (int): Those of which nothing is known.
    thresholds (List[ThresholdLeakage]): The pipeline's own way first.
    warnings (List[str]): What is to be known.
    """

    data: str
    documents: int = 0
    failed: int = 0
    without_annotation: int = 0
    thresholds: list[ThresholdLeakage] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def leakage(
    model: Language | str | Path,
    data: str | Path,
    *,
    labels: Sequence[str] | None = None,
    thresholds: Sequence[float] | None = None,
    repeated: bool = True,
    spans_key: str | None = None,
    format: str | None = None,
) -> Leakage:
    """Measure what `redact` would leave visible of the entities of annotated texts.

    An entity is hidden whichever type the pipeline takes it for.

    model (Union[Language, str, Path]): The pipeline, or its name or folder.
    data (Union[str, Path]): Annotated texts, in any format that `read` reads. The pipeline gets the
        texts alone, as redact does.
    labels (Sequence[str]): The types that are to be taken out; None for all.
    thresholds (Sequence[float]): Those to try out, beside the entities that are found; None for
        0.5, 0.2, 0.1, 0.05, 0.02 and 0.01.
    repeated (bool): See redact.
    spans_key (str): Where entities are, gold and found ones; None for what the pipeline says.
    format (str): Of the data; None for what they look like.
    RETURNS (Leakage): By threshold and type.
    RAISES ValueError: What is given can't be read, or nothing in it is annotated.
    """
    data = Path(data)
    tried = list(dict.fromkeys(THRESHOLDS if thresholds is None else thresholds))
    for value in tried:
        read_threshold(value)
    wanted = None if labels is None else frozenset(labels)
    redactors = [Redactor(labels=wanted, threshold=t, repeated=repeated) for t in (None, *tried)]
    nlp = load_pipeline(model)
    found = all_entities(nlp, spans_key)
    gold = sources_of(nlp, spans_key).gold
    measured = Leakage(str(data), thresholds=[ThresholdLeakage(t) for t in (None, *tried)])
    reader, predictor = TokenReader(nlp), Predictor(nlp)
    stream = _annotated(data, format, gold, measured)
    while records := list(islice(stream, _BATCH)):
        documents = [SourceDocument(None, i, one.text) for i, one in enumerate(records)]
        with nlp.memory_zone():
            outcomes = predictor.run(documents, lambda _: None)
            docs = [one.doc for one in outcomes if isinstance(one, Predicted)]
            least = min(tried, default=1.0)
            tables = iter(reader.read(docs, least) if reader.is_able else [[] for _ in docs])
            for record, outcome in zip(records, outcomes, strict=True):
                its = next(tables) if isinstance(outcome, Predicted) else outcome
                if not isinstance(outcome, Predicted) or isinstance(its, str):
                    measured.failed += 1
                    continue
                measured.documents += 1
                for one, redactor in zip(measured.thresholds, redactors, strict=True):
                    _measure(one, record, outcome.doc, its, redactor, found)
    if not measured.documents:
        raise ValueError(
            f"There is nothing to measure in {data}: {measured.failed:,} texts failed, and of "
            f"{measured.without_annotation:,} nothing is known."
        )
    if not reader.is_able:
        measured.warnings.append(
            "no component of the pipeline knows how likely tokens are in entities: thresholds only "
            "leave out what is found"
        )
    return measured


def _annotated(
    data: Path, format: str | None, gold: EntitySource, measured: Leakage
) -> Iterator[TextRecord]:
    """The annotated texts of some data; others are counted."""
    records: Iterator[TextRecord]
    if (format or find_format(data)) == "spacy":
        records = (
            _record(doc, gold) for docs in read_files(data) for doc in docs.get_docs(Vocab())
        )
    else:
        records = read(data, format)
    for record in tqdm(records, unit="texts", disable=None, leave=False):
        if record.spans is None:
            measured.without_annotation += 1
        else:
            yield record


def _record(doc: Doc, gold: EntitySource) -> TextRecord:
    return to_record(doc, gold.spans_key if gold.spans_key in doc.spans else None)


def _measure(
    into: ThresholdLeakage,
    record: TextRecord,
    doc: Doc,
    tables: Sequence[LabelledTokens],
    redactor: Redactor,
    source: EntitySource,
) -> None:
    """Compare what a Redactor hides of a text with its annotation."""
    text = record.text
    entities, cuts = entities_of(doc, source)
    likely = likely_stretches(doc, tables, redactor, entities)
    is_hidden = np.zeros(len(text), dtype=bool)
    for one in redactor.hidden_of(text, [*entities, *likely], cuts):
        is_hidden[one.start : one.end] = True
    is_solid = np.array([not char.isspace() for char in text], dtype=bool)
    is_other = is_solid.copy()
    for start, end in record.unknown:
        is_other[start:end] = False
    for span in record.spans or ():
        if span.status == "ignored":
            is_other[span.start : span.end] = False
        if not span.is_accepted or not (redactor.labels is None or span.label in redactor.labels):
            continue
        is_other[span.start : span.end] = False
        solid = is_solid[span.start : span.end]
        if solid.any():
            its = into.types.setdefault(span.label, TypeLeakage())
            its.add(~is_hidden[span.start : span.end][solid])
    into.other += int(is_other.sum())
    into.hidden_other += int((is_other & is_hidden).sum())
