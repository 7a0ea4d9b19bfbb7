"""Likely label errors, as audit.json has them."""

from dataclasses import dataclass

from ..occurrences import Occurrence
from ..plain_span import PlainSpan

MISSING, SPURIOUS = "missing", "spurious"
LABEL, BOUNDARY, BOTH = "label", "boundary", "label and boundary"
KINDS = (MISSING, SPURIOUS, LABEL, BOUNDARY, BOTH)


@dataclass(frozen=True, slots=True)
class LikelyError:
    """A stretch whose annotation is likely to be wrong.

    occurrence (Occurrence): The stretch: connected entities of the annotation and of the model.
    kind (str): What is wrong, if the model is right. "missing": entities are not annotated;
        "spurious": what is annotated is none; "label": of the same boundaries; "boundary": of the
        same type; "label and boundary": both.
    annotated, suggested (List[PlainSpan]): The entities in it, as annotated and as the model reads
        it.
    annotated_probability, suggested_probability (float): Of exactly these entities in the stretch,
        and no others, under the model.
    score (float): How much likelier an error is than not: see ranking.score. In nats.
    """

    occurrence: Occurrence
    kind: str
    annotated: list[PlainSpan]
    suggested: list[PlainSpan]
    annotated_probability: float
    suggested_probability: float
    score: float


@dataclass(frozen=True, slots=True)
class SelfConfidence:
    """How much the model believes in what is annotated as a type.

    label (Optional[str]): The type; null for tokens in no entity.
    mean (float): The mean probability of these entities, or of these tokens being in none.
    n (int): How many there are.
    """

    label: str | None
    mean: float
    n: int


@dataclass(frozen=True)
class LabelErrors:
    """What a second reading of the annotation found.

    judged_by (str): The models that read, in words.
    n_texts, n_entities (int): What was read.
    n_disagreements (int): Stretches that the models read otherwise.
    n_not_judged (int): Further ones, of which something is not annotated, or of which a model can't
        read what is annotated, by its labels or settings.
    unknown_labels (List[str]): Types that a model does not know.
    confidences (List[SelfConfidence]): By type: what a reading is measured by.
    by_kind (Dict[str, int]): The likely errors of each kind.
    findings (List[LikelyError]): The likely errors, the likeliest first.
    left_out (int): Spans that overlap longer ones: models read flat entities.
    """

    judged_by: str
    n_texts: int
    n_entities: int
    n_disagreements: int
    n_not_judged: int
    unknown_labels: list[str]
    confidences: list[SelfConfidence]
    by_kind: dict[str, int]
    findings: list[LikelyError]
    left_out: int = 0

    @property
    def warnings(self) -> list[str]:
        """What to act on."""
        found = []
        if self.findings:
            n = len(self.findings)
            share = 100 * n / max(1, self.n_entities)
            found.append(
                f"{n:,} likely label errors, {share:.1f} for 100 entities: review the first ones, "
                "and go on as long as most are errors."
            )
        if self.unknown_labels:
            found.append(
                f"The models do not know {', '.join(self.unknown_labels)}: entities of these "
                "types were not judged."
            )
        return found
