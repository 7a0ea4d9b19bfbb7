"""What some components can do and others can't, as protocols.

Callers ask whether a component has a capability (isinstance works), and never of which class it is.
A capability has what some caller uses, and no more.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model

from ..annotation.nested_gold import GoldSources
from ..models.decoding.entities import Entities
from ..models.runtime.labelled_shim import LabelledShim
from ..models.runtime.tagger_shim import TaggerShim
from ..tags import Span as EntitySpan
from .judged_entities import Judgements
from .reason_types import StrongestWeights, TokenReasons
from .teaching import Teaching

if TYPE_CHECKING:
    from .rule_matching.found_hits import FoundHits
    from .rule_matching.rule_search import RuleSearch


@runtime_checkable
class HasThresholds(Protocol):
    """Leaves out entities that are too improbable."""

    def least_probabilities(self) -> dict[str, float]:
        """The thresholds by label; labels without one, or with 0, are not among them."""
        ...


@runtime_checkable
class HasCalibration(Protocol):
    """Has probabilities that can be made to come true as often as they say.

    name (str): The component's name in the pipeline.
    labels (Tuple[str, ...]): The types of its entities.
    calibration (Calibration / SpanCalibration): What is between the model's scores and its
        probabilities.
    """

    name: str
    calibration: Any

    @property
    def uncalibrated(self) -> Any:
        """The calibration of one that nothing was fitted to."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of its entities."""
        ...

    def predict_under(self, docs: Iterable[Doc], calibration: Any) -> list[Entities]:
        """The same entities, with the probabilities that they have under a calibration.

        Others may be among them, which are not found.
        """
        ...

    def judge(self, examples: Iterable[Example]) -> Judgements:
        """The entities of annotated documents, with whether each is right."""
        ...


@dataclass(frozen=True)
class Reading:
    """One way to read a text.

    probability (float): Of exactly these entities in the text, and no others. An entity that goes
        on beyond the text's edge is cut there, and is another reading than one that ends there.
    entities (Tuple[Span, ...]): From left to right. They are not put on the Doc.
    """

    probability: float
    entities: tuple[Span, ...]


@runtime_checkable
class GivesReadings(Protocol):
    """Knows the k most probable readings of a text, and not only the best one."""

    def readings(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]], k: int
    ) -> list[list[list[Reading]]]:
        """The k most probable readings of parts of each document, best first, from one run.

        RETURNS (List[List[List[Reading]]]): For each Doc, for each of its parts.
        """
        ...


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How undecided a model is about a text.

    n_tokens (int): Its tokens that take part in tagging.
    log_prob, second_log_prob (float): The log probabilities of its best reading and of the second,
        -inf if there is none.
    entropy (float): Of its distribution over all readings, in nats.
    expected_errors (float): How many entities of its best reading are expected to be wrong, and how
        many beside them to be missed.
    """

    n_tokens: int
    log_prob: float
    second_log_prob: float
    entropy: float
    expected_errors: float


# About a text in which nothing can be an entity.
SURE = Uncertainty(0, 0.0, -math.inf, 0.0, 0.0)


@runtime_checkable
class KnowsUncertainty(Protocol):
    """Knows how undecided it is about a text.

    name (str): The component's name in the pipeline.
    model (Model): What it scores tags with.
    """

    name: str
    model: Any

    def uncertainties(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]]
    ) -> list[list[Uncertainty]]:
        """How undecided it is about parts of each document, from one run.

        RETURNS (List[List[Uncertainty]]): For each Doc, for each of its parts.
        """
        ...


@runtime_checkable
class KnowsTokenLabels(Protocol):
    """Knows how probable it is that a token is in an entity of a type.

    That is more than the probabilities of its entities say: of an entity whose edges are unsure,
    or that is not in the best reading, too.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of its entities."""
        ...

    def label_probabilities(self, docs: Sequence[Doc], least: float) -> list[np.ndarray]:
        """Per Doc, (n_tokens, n_labels) float64, whatever the thresholds are.

        least (float): From which probability on they must be right; lower ones may be too low.
        """
        ...


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A stretch of a document that is annotated in one way, and read by a model in another.

    start, end (int): Its tokens, end exclusive.
    annotated, predicted (List[Span]): The entities of both in it: tokens and type.
    annotated_log_prob, predicted_log_prob (float): The log probability of each of these readings
        under the model: of exactly these entities in exactly these tokens, and of none that goes on
        across the stretch's edges.
    """

    start: int
    end: int
    annotated: list[EntitySpan]
    predicted: list[EntitySpan]
    annotated_log_prob: float
    predicted_log_prob: float


@dataclass(frozen=True, slots=True)
class TypeConfidence:
    """How much a model believes in the annotation of a type.

    label (Optional[str]): The type; None for tokens that are in no entity.
    total (float): The sum of the probabilities of these entities, or of these tokens being in none.
    n (int): How many there are.
    """

    label: str | None
    total: float
    n: int


@dataclass(frozen=True, slots=True)
class SecondReading:
    """A model's reading of an annotated document, compared with the annotation.

    disagreements (List[Disagreement]): From left to right.
    confidences (List[TypeConfidence]): By type.
    n_not_judged (int): Further stretches where they differ, of which something is not annotated, or
        of which the annotation is impossible by the model's settings.
    """

    disagreements: list[Disagreement]
    confidences: list[TypeConfidence]
    n_not_judged: int


@runtime_checkable
class GivesSecondReadings(Protocol):
    """Says where it disagrees with an annotation, and how probable either is."""

    def second_readings(self, examples: Sequence[Example]) -> list[SecondReading]:
        """Its reading of each document, compared with the annotation."""
        ...


@runtime_checkable
class WritesNestedEntities(Protocol):
    """Finds entities that may nest and overlap, and writes them to a group of doc.spans.

    name (str): The component's name in the pipeline.
    """

    name: str

    @property
    def nested_key(self) -> str:
        """The key of doc.spans that has all of its entities, with their scores."""
        ...


@runtime_checkable
class LearnsNestedEntities(Protocol):
    """Learns to find entities that may nest and overlap."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of its entities."""
        ...

    @property
    def gold_sources(self) -> GoldSources:
        """Where annotated entities are looked for."""
        ...


@runtime_checkable
class HasValidators(Protocol):
    """Leaves out entities whose text is not as their type wants it.

    refused (Counter): How many, by type, in this process.
    """

    refused: Counter[str]


@runtime_checkable
class DecidesCrossings(Protocol):
    """Takes the best set of spans of which none cross, and counts how it found that.

    crossings (Counter): How many groups of crossing spans were decided in an "exact" way, and how
        many were too large for it ("greedy"), in this process.
    """

    crossings: Counter[str]


@runtime_checkable
class HasRules(Protocol):
    """Finds entities by rules, each of which can be asked what it finds.

    name (str): The component's name in the pipeline.
    """

    name: str

    @property
    def search(self) -> "RuleSearch":
        """What looks for the rules, and knows what their hits mean."""
        ...

    def find(self, docs: Sequence[Doc]) -> "FoundHits":
        """All hits in some Docs, and what becomes of them."""
        ...


@runtime_checkable
class GivesReasons(Protocol):
    """Can say why it decides as it does."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of its entities."""
        ...

    def strongest_weights(self, label: str, n: int) -> StrongestWeights:
        """What speaks most for and against a label."""
        ...

    def reasons(self, doc: Doc) -> list[TokenReasons]:
        """Why each token of a document has its tag."""
        ...


@runtime_checkable
class HasLabelledShim(Protocol):
    """Has a model whose shim knows its labels, whatever kind of head it has for them.

    name (str): The component's name in the pipeline.
    model (Model): The model.
    """

    name: str
    model: Model[list[Doc], Any]

    @property
    def labelled_shim(self) -> LabelledShim:
        """The shim that has the labels and the head."""
        ...


@runtime_checkable
class HasTaggerShim(HasLabelledShim, Protocol):
    """Has a model whose shim knows the tags of a scheme, and gives Emissions."""

    @property
    def shim(self) -> TaggerShim:
        """The shim that has the tags and their decoder."""
        ...


@runtime_checkable
class LearnsFromTeachers(HasTaggerShim, Protocol):
    """Can learn what teachers say about documents, beside their annotation."""

    def learn_from(self, teaching: Teaching | None) -> None:
        """Let updates learn from teachers, too; None to stop.

        RAISES ValueError: If updates do not learn.
        """
        ...


def components(nlp: Language) -> list[Any]:
    """The components of a pipeline, as Any.

    spaCy's own types say no more of them than that they can be called, and so rule out that they
    have a capability.
    """
    return [component for _, component in nlp.pipeline]


def only_component(nlp: Language, capability: type, can: str, preferred: str) -> str:
    """The name of the one component that has a capability.

    capability (type), can (str): See find_component.
    preferred (str): The name of the one that is meant if it is among several.
    RAISES ValueError: If there is none, or several and none of that name.
    """
    found = [name for name, component in nlp.pipeline if isinstance(component, capability)]
    if preferred in found:
        return preferred
    if len(found) == 1:
        return found[0]
    if not found:
        names = ", ".join(nlp.pipe_names) or "no components"
        raise ValueError(f"The pipeline has no component that {can}. It has: {names}.")
    raise ValueError(
        f"Several components of the pipeline {can}: {', '.join(found)}. Say which is meant with "
        "--component."
    )


def find_component(nlp: Language, name: str, capability: type, can: str) -> Any:
    """The component of this name.

    capability (type): A protocol of this module.
    can (str): What it can do, for the error: what comes after "component that".
    RAISES ValueError: If the pipeline has no such component, or it lacks the capability.
    """
    component = nlp.get_pipe(name) if name in nlp.pipe_names else None
    if not isinstance(component, capability):
        raise ValueError(
            f"The pipeline has no component '{name}' that {can}. It has: "
            f"{', '.join(nlp.pipe_names) or 'no components'}."
        )
    return component
