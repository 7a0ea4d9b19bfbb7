"""A recogniser for Microsoft Presidio that hands over the probabilities of a pipeline.

Presidio gives all entities of spaCy one constant score (0.85), so that its thresholds can't tell
them apart.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..pipeline.preparing import load_pipeline
from ..support.extras import require
from .document_redactor import all_entities
from .pipeline_labels import labels_of_pipeline

# What Presidio calls types that pipelines for spaCy call otherwise.
PRESIDIO_NAMES = {
    "PER": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
    "NORP": "NRP",
    "DATE": "DATE_TIME",
    "TIME": "DATE_TIME",
}
UNKNOWN_SCORE = 0.85


def presidio_recognizer(
    model: Language | str | Path | None = None,
    *,
    entities: Mapping[str, str] | None = None,
    supported_entities: list[str] | None = None,
    language: str = "en",
    name: str = "NerPlusRecognizer",
    unknown_score: float = UNKNOWN_SCORE,
) -> Any:
    """A recogniser that finds what a pipeline finds, with its probabilities as scores.

    It goes to the registry of Presidio's analyzer, in the place of its SpacyRecognizer:
    `registry.add_recognizer(presidio_recognizer("my_pipeline"))`.

    model (Union[Language, str, Path]): The pipeline, or its name or folder. None: the Docs of
        Presidio's own spaCy engine are looked at, which must run the pipeline.
    entities (Mapping[str, str]): Presidio's names of types, by label. Those that are not in it are
        called as Presidio does (PER is PERSON), or as they are.
    supported_entities (List[str]): Presidio's names of the types that may be found; None for those
        of the pipeline's labels. Without a pipeline, they must be given.
    language (str): The language that Presidio asks it for.
    name (str): What Presidio calls it.
    unknown_score (float): The score of entities whose probability is not known, as those of rules.
    RETURNS (EntityRecognizer): Presidio's.
    RAISES ValueError: Presidio is not installed, or nothing tells the types.
    """
    require("presidio_analyzer", "presidio")  # before a pipeline is loaded
    if not 0.0 <= unknown_score <= 1.0:
        raise ValueError(f"unknown_score = {unknown_score} must be from 0 to 1.")
    nlp = None if model is None else load_pipeline(model)
    names = PRESIDIO_NAMES | dict(entities or {})
    if supported_entities is None:
        labels = frozenset() if nlp is None else labels_of_pipeline(nlp)
        supported_entities = sorted({names.get(label, label) for label in labels})
    if not supported_entities:
        raise ValueError(
            "Nothing says which types may be found: give supported_entities, such as ['PERSON']."
        )
    return _recognizer_class()(
        nlp,
        names,
        unknown_score,
        supported_entities=list(supported_entities),
        supported_language=language,
        name=name,
    )


@cache
def _recognizer_class() -> Any:
    """The class, whose base is Presidio's: it is made when it is first used."""
    presidio: Any = require("presidio_analyzer", "presidio")

    class NerPlusRecognizer(presidio.EntityRecognizer):
        """See presidio_recognizer."""

        def __init__(
            self, nlp: Language | None, names: Mapping[str, str], unknown: float, **settings: Any
        ) -> None:
            self._nlp, self._names, self._unknown_score = nlp, names, unknown
            self._source = DOC_ENTS if nlp is None else all_entities(nlp)
            super().__init__(**settings)

        def load(self) -> None:
            """The pipeline is there already."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            """The entities of a text, each with its probability as score.

            entities (List[str]): Presidio's names of the types that are asked for; none for all.
            nlp_artifacts (NlpArtifacts): What Presidio's engine made of the text.
            """
            doc = _doc_of(self._nlp, text, nlp_artifacts)
            wanted = set(entities or self.supported_entities) & set(self.supported_entities)
            return [
                self._result(start, end, kind, score)
                for start, end, kind, score in _scored(
                    doc, self._source, self._names, self._unknown_score
                )
                if kind in wanted
            ]

        def _result(self, start: int, end: int, kind: str, score: float) -> Any:
            explanation = presidio.AnalysisExplanation(
                recognizer=self.name,
                original_score=score,
                textual_explanation=f"Identified as {kind} with this probability by a pipeline",
            )
            result = presidio.RecognizerResult
            return result(
                entity_type=kind,
                start=start,
                end=end,
                score=score,
                analysis_explanation=explanation,
                recognition_metadata={
                    result.RECOGNIZER_NAME_KEY: self.name,
                    result.RECOGNIZER_IDENTIFIER_KEY: self.id,
                },
            )

    return NerPlusRecognizer


def _doc_of(nlp: Language | None, text: str, nlp_artifacts: Any) -> Doc:
    """The Doc with entities. RAISES ValueError: There is none for the text."""
    if nlp is not None:
        return nlp(text)
    doc = getattr(nlp_artifacts, "tokens", None)
    if not isinstance(doc, Doc) or doc.text != text:
        raise ValueError(
            "Presidio handed over no Doc of the text: give the recogniser a pipeline of its own, "
            "or the analyzer a SpacyNlpEngine."
        )
    return doc


def _scored(
    doc: Doc, source: EntitySource, names: Mapping[str, str], unknown_score: float
) -> Iterator[tuple[int, int, str, float]]:
    """Start, end, Presidio's name of the type, and score of each entity."""
    for span, probability in source.scored(doc):
        score = unknown_score if probability is None else probability
        yield span.start_char, span.end_char, names.get(span.label_, span.label_), score
