"""What an agreement is made of, as agreement.json has it; docs/agreement.md has a table of it.

Shares are between 0 and 1, alpha between -1 and 1. A change of meaning raises SCHEMA_VERSION; new
fields do not.
"""

from dataclasses import dataclass
from typing import Any

from ..plain_span import PlainSpan

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.agreement", 1
# How annotators differ, with the names to show.
KINDS = {
    "boundary": "boundary",
    "label": "label",
    "both": "boundary and label",
    "missed": "missed by one",
}

Ends = tuple[float, float]
"""Lower and upper end of an interval."""


@dataclass(frozen=True)
class AnnotatorCounts:
    """What one annotator did.

    name (str): Theirs: that of the file, or the one that the export has.
    source (str): The file or folder.
    texts (int): Texts that they annotated.
    compared (int): Those that somebody else annotated, too.
    entities (int): Entities in the compared texts.
    repeated (int): Earlier annotations of the same texts by them, which were passed over.
    """

    name: str
    source: str
    texts: int
    compared: int
    entities: int
    repeated: int


@dataclass(frozen=True)
class SpanAgreement:
    """How far the entities of two annotators are the same, exactly, and at least overlapping.

    f1 (Optional[float]): Of exact matches of characters and label: 2 * agreed / (first + second).
        Which annotator is taken for the gold makes no difference. Null if there are no entities.
    f1_interval (Optional[Ends]): 95 % of bootstrap samples of the texts, of those with entities;
        null of a single text.
    agreed (int): Entities that both have.
    only_first (int): Entities that the first alone has.
    only_second (int): Entities that the second alone has.
    relaxed_f1 (Optional[float]): The harmonic mean of the shares of either's entities that overlap
        one of the other's with the same label.
    relaxed_interval (Optional[Ends]): As `f1_interval`.
    overlapping_first (int): How many entities of the first do.
    overlapping_second (int): How many entities of the second do.
    """

    f1: float | None
    f1_interval: Ends | None
    agreed: int
    only_first: int
    only_second: int
    relaxed_f1: float | None
    relaxed_interval: Ends | None
    overlapping_first: int
    overlapping_second: int


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha (nominal) on tokens.

    alpha (Optional[float]): 1 is agreement, 0 what chance gives. Null if all values are the same.
    interval (Optional[Ends]): 95 % of bootstrap samples of the texts.
    tokens (int): Tokens that two annotators or more have a value for.
    """

    alpha: float | None
    interval: Ends | None
    tokens: int


@dataclass(frozen=True)
class TokenAlphas:
    """Alpha on different tokens, and of different values.

    all (Alpha): The value of a token is the label of its entity, or none.
    marked_by_any (Alpha): The same, of tokens that at least one annotator has in an entity.
    marked_by_all (Alpha): The same, of tokens that all their annotators have in entities: whether
        they choose the same labels.
    labels (Dict[str, Alpha]): Of each label: whether a token is in an entity of it, or not.
    """

    all: Alpha
    marked_by_any: Alpha
    marked_by_all: Alpha
    labels: dict[str, Alpha]


@dataclass(frozen=True)
class LabelConfusion:
    """What the second annotator has for the entities of the first.

    labels (List[Optional[str]]): Of rows and columns; null, the last, for no entity.
    counts (List[List[int]]): By label of the first (rows) and of the second (columns). Each entity
        is there once, beside the one of the other that stands for it, if any.
    """

    labels: list[str | None]
    counts: list[list[int]]


@dataclass(frozen=True)
class PairAgreement:
    """Two annotators.

    first (str): The name of one.
    second (str): The name of the other.
    texts (int): Those that both annotated.
    tokens (int): Tokens that both have a value for.
    alpha (Optional[float]): As `alphas.all`, of these two alone.
    micro (SpanAgreement): Over all labels.
    labels (Dict[str, SpanAgreement]): By label.
    not_judged (int): Entities of one where the annotation of the other is missing: they count for
        neither.
    kinds (Dict[str, int]): Disagreements by kind.
    confusion (LabelConfusion): By label.
    """

    first: str
    second: str
    texts: int
    tokens: int
    alpha: float | None
    micro: SpanAgreement
    labels: dict[str, SpanAgreement]
    not_judged: int
    kinds: dict[str, int]
    confusion: LabelConfusion


@dataclass(frozen=True)
class ConfusedLabels:
    """Two labels for the same thing.

    labels (Tuple[str, Optional[str]]): Sorted; null for no entity.
    count (int): How often, over all pairs of annotators.
    """

    labels: tuple[str, str | None]
    count: int


@dataclass(frozen=True)
class Side:
    """Annotators who say the same in a place.

    annotators (List[str]): Their names.
    spans (List[PlainSpan]): What they have that not all have; none if they have no entity there.
    """

    annotators: list[str]
    spans: list[PlainSpan]


@dataclass(frozen=True)
class Dispute:
    """Where annotators disagree: entities that overlap each other.

    number (int): The text, from 0, among those that are compared.
    where (str): The file of the first annotator, and the line or number in it.
    id (Any): What identifies the text to its user; null if nothing does.
    start (int): Its first character.
    end (int): The end of its characters, exclusive.
    before (str): Some characters before it.
    text (str): What it covers.
    after (str): Some characters behind it.
    kinds (List[str]): How pairs of annotators differ there.
    sides (List[Side]): Who says what; the first annotator's first.
    """

    number: int
    where: str
    id: Any
    start: int
    end: int
    before: str
    text: str
    after: str
    kinds: list[str]
    sides: list[Side]


@dataclass(frozen=True)
class AgreementMetrics:
    """All of an agreement.

    schema (str): "spacy_ner_plus.agreement".
    schema_version (int): 1.
    annotators (List[AnnotatorCounts]): In the order in which they were given.
    matched_by (str): What tells that texts are the same: "id" or "text".
    texts (int): Texts that at least two annotators annotated.
    texts_that_differ (int): Those with a disagreement.
    tokens (int): Their tokens, without white space.
    tokenized (int): Texts whose tokens are those of the language's tokenizer.
    samples (int): Of the bootstrap.
    seed (int): Of the bootstrap.
    level (float): Of intervals.
    alphas (TokenAlphas): On tokens.
    micro (SpanAgreement): Entities over all labels, and all pairs of annotators.
    labels (Dict[str, SpanAgreement]): By label, over all pairs.
    pairs (List[PairAgreement]): Each pair.
    kinds (Dict[str, int]): Disagreements by kind, over all pairs.
    confused (List[ConfusedLabels]): Labels that stand for each other, most often first.
    disagreements (List[Dispute]): Each disagreement in its context.
    warnings (List[str]): What somebody should look at.
    """

    schema: str
    schema_version: int
    annotators: list[AnnotatorCounts]
    matched_by: str
    texts: int
    texts_that_differ: int
    tokens: int
    tokenized: int
    samples: int
    seed: int
    level: float
    alphas: TokenAlphas
    micro: SpanAgreement
    labels: dict[str, SpanAgreement]
    pairs: list[PairAgreement]
    kinds: dict[str, int]
    confused: list[ConfusedLabels]
    disagreements: list[Dispute]
    warnings: list[str]
