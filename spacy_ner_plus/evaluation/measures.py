"""All measures of one evaluation: see docs/evaluation.md for what they mean and their schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..annotation.entity_source import EntitySource
from ..data.corpus import TOKENS
from ..data.data_version import find_version
from ..pipeline.capabilities import HasThresholds, components
from ..pipeline.entity_sources import gives
from .confidence import confidence
from .documents import Document
from .entity_types import chosen, entity_types, labels_of, own_labels
from .error_rows import error_rows
from .error_summary import summarise_errors
from .errors import Finding, find_errors
from .exact import document_counts, exact_scores, scores_on_tokens
from .intervals import intervals
from .judged import judge
from .known_entities import known_entities
from .label_choice import ALL, LabelChoice
from .nested_scores import inner_ones, nesting
from .partial import partial_scores
from .predictions import Predictions
from .schema import SCHEMA, SCHEMA_VERSION, DataCounts, Metrics
from .slices import find_tokenizer, slices
from .tokenisation import tokenisation


@dataclass(frozen=True)
class EvaluationSettings:
    """What an evaluation is of, and how it is made.

    data (str): Where the gold annotation is.
    train (Path): Training data, for which entities are known from it; None to leave that out.
    tokens (str): See predictions.predict.
    precision (float): What thresholds are to reach, in (0, 1].
    samples, seed (int): Of the bootstrap.
    choice (LabelChoice): Which types count.
    RAISES ValueError: If a number is out of range, or tokens unknown.
    """

    data: str
    train: Path | None = None
    tokens: str = "reference"
    precision: float = 0.9
    samples: int = 2000
    seed: int = 0
    choice: LabelChoice = ALL

    def __post_init__(self) -> None:
        if not 0.0 < self.precision <= 1.0:
            raise ValueError(f"The wanted precision of {self.precision} must be a share, 0 to 1.")
        if self.samples < 1:
            raise ValueError(f"{self.samples} bootstrap samples are too few: take 1 at least.")
        if self.seed < 0:
            raise ValueError(f"The seed {self.seed} of the bootstrap must be at least 0.")
        if self.tokens not in TOKENS:
            raise ValueError(f"tokens = {self.tokens!r} is unknown: use one of {TOKENS}.")


def measure(
    predicted: Predictions, settings: EvaluationSettings
) -> tuple[Metrics, list[dict[str, Any]]]:
    """Everything that there is to say about some predictions.

    predicted (Predictions): See predictions.predict.
    RETURNS: What goes to metrics.json and, a row an error, to errors.jsonl.
    RAISES ValueError: If nervaluate or the training data are not there, or no entity is of a type
        that counts.
    """
    nlp, choice, sources = predicted.nlp, settings.choice, predicted.sources
    types = entity_types(predicted.documents, choice, labels_of(nlp, sources.predicted))
    documents = chosen(predicted.documents, choice)
    by_document = [find_errors(document) for document in documents]
    findings = [finding for document in by_document for finding in document]
    gold, found = judge(documents, findings)
    labels, counts = document_counts(documents)
    train = settings.train
    known = None if train is None else known_entities(train, sources.gold, choice)
    metrics = Metrics(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        model=predicted.name,
        data=settings.data,
        train=None if train is None else str(train),
        spans_key=sources.gold.spans_key,
        predicted_key=sources.predicted.spans_key,
        tokens=settings.tokens,
        components=[] if nlp is None else list(nlp.pipe_names),
        counts=_counts(predicted, documents),
        speed=predicted.speed,
        exact=exact_scores(labels, counts),
        intervals=intervals(labels, counts, settings.samples, settings.seed),
        partial=partial_scores(documents),
        errors=summarise_errors(findings),
        slices=slices(
            gold, found, known=known, tokenizer=None if nlp is None else find_tokenizer(nlp)
        ),
        confidence=confidence(
            gold,
            found,
            wanted_precision=settings.precision,
            least={} if nlp is None else _thresholds(nlp, sources.predicted),
            is_inner=[flag for document in documents for flag in inner_ones(document.predicted)],
            own=own_labels((e.label for doc in predicted.documents for e in doc.predicted), choice),
        ),
        tokenisation=None if nlp is None else tokenisation(nlp, documents),
        types=types,
        on_tokens=scores_on_tokens(documents),
        data_version=find_version(Path(settings.data)),
        train_version=None if train is None else find_version(train),
        nesting=nesting(documents, settings.samples, settings.seed),
        gold_in_ents=sources.gold.with_ents,
    )
    return metrics, _rows(documents, by_document)


def _counts(predicted: Predictions, documents: Sequence[Document]) -> DataCounts:
    """The counts. documents (Sequence[Document]): With the entities that count."""
    return DataCounts(
        documents=len(documents),
        documents_without_annotation=predicted.n_without_annotation,
        words=predicted.n_words,
        gold=sum(len(document.gold) for document in documents),
        predicted=sum(len(document.predicted) for document in documents),
        not_judged=sum(len(document.not_judged) for document in documents),
        off_tokens=sum(e.is_off_tokens for document in documents for e in document.gold),
        repeated=sum(document.n_repeated for document in documents),
        gold_not_judged=sum(len(document.gold_not_judged) for document in documents),
    )


def _thresholds(nlp: Language, source: EntitySource) -> Mapping[str, float]:
    """Those over 0 that a pipeline has for its entities at a place, by type."""
    return {
        label: least
        for component in components(nlp)
        if isinstance(component, HasThresholds) and gives(component, source)
        for label, least in component.least_probabilities().items()
    }


def _rows(documents: list[Document], findings: list[list[Finding]]) -> list[dict[str, Any]]:
    return [
        row
        for document, its in zip(documents, findings, strict=True)
        for row in error_rows(document, its)
    ]
