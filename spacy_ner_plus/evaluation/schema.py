"""What an evaluation finds, as metrics.json has it: docs/evaluation.md has the same as a table.

Shares are between 0 and 1. A change of meaning raises SCHEMA_VERSION; new fields do not.
"""

from dataclasses import dataclass, field

from ..data.data_version import DataVersion
from ..nesting.nesting_counts import NestingCounts
from .confidence_types import Confidence
from .score_types import CountedMeasures, ExactScores, Intervals, PartialScores

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.metrics", 1


@dataclass(frozen=True)
class DataCounts:
    """What the figures are of.

    documents (int): With annotation.
    documents_without_annotation (int): Left out, beyond those.
    words (int): Tokens of the reference.
    gold (int): Gold entities that can be judged.
    predicted (int): Predicted entities that can be judged.
    not_judged (int): Predicted ones beyond those.
    off_tokens (int): Gold entities that are not on the data's tokens (`convert --misaligned
        missing` notes them): they count, and can be found on other tokens only.
    repeated (int): Entities of either side that are there twice: each counts once.
    gold_not_judged (int): Gold entities beyond `gold`.
    """

    documents: int
    documents_without_annotation: int
    words: int
    gold: int
    predicted: int
    not_judged: int
    off_tokens: int = 0
    repeated: int = 0
    gold_not_judged: int = 0


@dataclass(frozen=True)
class Throughput:
    """How fast a pipeline was.

    words_per_second (float): Tokens of the pipeline in each second; 0 if no time passed.
    seconds (float): For all documents, without loading, with tokenising if the pipeline got texts.
    words (int): Tokens of the pipeline.
    """

    words_per_second: float
    seconds: float
    words: int


@dataclass(frozen=True)
class RunCost(Throughput):
    """What running a pipeline took.

    peak_memory (Dict[str, int]): Bytes that the process took at most, by place: `memory`, `GPU`.
    """

    peak_memory: dict[str, int]


@dataclass(frozen=True)
class ErrorKind:
    """Errors of one kind.

    kind (str): Its key in the table of error types.
    name (str): Its name to show.
    errors (int): How many.
    gold (int): Gold entities in them.
    predicted (int): Predicted entities in them.
    f1_gain (float): What micro F1 gains if these errors alone are mended.
    share (float): That gain as a share of what micro F1 lacks to 1.
    """

    kind: str
    name: str
    errors: int
    gold: int
    predicted: int
    f1_gain: float
    share: float


@dataclass(frozen=True)
class SideCounts:
    """Entities of both sides.

    gold (int): Gold entities.
    predicted (int): Predicted entities.
    """

    gold: int
    predicted: int


@dataclass(frozen=True)
class Confusion:
    """Gold types and what was predicted in their place.

    labels (List[Optional[str]]): Of rows and columns; the last, null, is for no entity.
    counts (List[List[int]]): Rows are gold types, columns predicted ones.
    """

    labels: list[str | None]
    counts: list[list[int]]


@dataclass(frozen=True)
class ErrorSummary:
    """What is wrong.

    kinds (List[ErrorKind]): In the order of the table of error types, also those without errors.
    correct (int): Entities that are right.
    types (Dict[str, Dict[str, SideCounts]]): By label, then `correct` or the kind of error.
    confusion (Confusion): Of types.
    """

    kinds: list[ErrorKind]
    correct: int
    types: dict[str, dict[str, SideCounts]]
    confusion: Confusion


@dataclass(frozen=True)
class EntityTypes:
    """Which entity types the figures are of.

    labels (Optional[List[str]]): As given with `--labels`: no others count; null for all.
    label_map (Dict[str, str]): As given with `--map`: new names of types of both sides.
    shared (List[str]): Types with gold entities that the pipeline has too.
    gold_only (Dict[str, int]): Gold entities of types that the pipeline does not have, by label.
        They count as missed.
    predicted_only (Dict[str, int]): Predicted entities of types without gold entities, by label.
        They count as wrong.
    renamed (Dict[str, SideCounts]): Entities of types with a new name, by the old one.
    left_out (Dict[str, SideCounts]): Entities of types that don't count, by old name: `labels` does
        not name them, or `label_map` drops them.
    unused (List[str]): Names in `labels` and `label_map` that no entity has.
    """

    labels: list[str] | None = None
    label_map: dict[str, str] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)
    gold_only: dict[str, int] = field(default_factory=dict)
    predicted_only: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, SideCounts] = field(default_factory=dict)
    left_out: dict[str, SideCounts] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SliceGroup:
    """A group of entities.

    group (str): Its name.
    gold (int): Gold entities in it.
    found (int): Those of them that are found.
    recall (Optional[float]): Found of gold; null without gold entities.
    predicted (int): Predicted entities in it.
    correct (int): Those of them that are right.
    precision (Optional[float]): Correct of predicted; null without predicted entities.
    """

    group: str
    gold: int
    found: int
    recall: float | None
    predicted: int
    correct: int
    precision: float | None


@dataclass(frozen=True)
class Slices:
    """Groups of entities, of which those without entities are left out.

    seen (Optional[List[SliceGroup]]): By text in the training data; null without `--train`.
    length (List[SliceGroup]): By length in tokens.
    position (List[SliceGroup]): By the first token's place in the document.
    pieces (Optional[List[SliceGroup]]): By wordpieces a token; null without an encoder of this
        package.
    ambiguity (Optional[List[SliceGroup]]): By what the text is in the training data: an entity of
        one label or several, and elsewhere no entity; null without `--train`, or if an earlier
        version wrote it.
    """

    seen: list[SliceGroup] | None
    length: list[SliceGroup]
    position: list[SliceGroup]
    pieces: list[SliceGroup] | None
    ambiguity: list[SliceGroup] | None = None


@dataclass(frozen=True)
class DepthScores(SliceGroup):
    """Scores of entities by how many are around them on their own side.

    f1 (Optional[float]): The harmonic mean of precision and recall; null without gold entities.
    interval (Optional[Tuple[float, float]]): Ends for F1; null with a single document.
    """

    f1: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Nesting:
    """Entities that nest or overlap.

    gold (NestingCounts): How gold entities lie to each other.
    predicted (NestingCounts): How predicted ones do.
    outer (DepthScores): Of entities that lie inside no other one.
    inner (DepthScores): Of those that do.
    depths (List[DepthScores]): By how many are around them, one inside the other; from 0.
    on_level (CountedMeasures): Exact micro scores if an entity is right only where it is outermost
        on both sides, or inner on both.
    """

    gold: NestingCounts
    predicted: NestingCounts
    outer: DepthScores
    inner: DepthScores
    depths: list[DepthScores]
    on_level: CountedMeasures


@dataclass(frozen=True)
class Tokenisation:
    """Whether the pipeline's tokens have the boundaries of gold entities.

    gold (int): Gold entities.
    lost (int): Those that don't start and end where tokens do.
    examples (List[str]): At most 10 of these, in words.
    """

    gold: int
    lost: int
    examples: list[str]


@dataclass(frozen=True)
class Metrics:
    """All that an evaluation finds but the single errors.

    schema (str): `"spacy_ner_plus.metrics"`.
    schema_version (int): 1.
    model (str): As given.
    data (str): As given.
    train (Optional[str]): As given; null without `--train`.
    spans_key (Optional[str]): The key of `doc.spans` that has the gold entities; null for
        `doc.ents`.
    tokens (str): As given.
    components (List[str]): Names in the pipeline; none for predictions from a file.
    counts (DataCounts): What the figures are of.
    speed (Optional[RunCost]): What the pipeline took; null for predictions from a file.
    exact (ExactScores): Scores of exact matches.
    intervals (Optional[Intervals]): Of the exact scores; null with a single document.
    partial (PartialScores): Partial credit.
    errors (ErrorSummary): What is wrong.
    slices (Slices): Groups of entities.
    confidence (Optional[Confidence]): How sure it is; null if no predicted entity has a
        probability.
    tokenisation (Optional[Tokenisation]): Gold entities that don't fit the pipeline's tokens; null
        for predictions from a file.
    types (EntityTypes): Which entity types the figures are of.
    on_tokens (Optional[CountedMeasures]): Exact micro scores without gold entities that are not on
        the data's tokens, and without what is predicted there; null if there are none.
    data_version (Optional[DataVersion]): Which version of the data was evaluated.
    train_version (Optional[DataVersion]): The same of the training data; null without `--train`.
    predicted_key (Optional[str]): The key of `doc.spans` that has the predicted entities; null for
        `doc.ents`, and if an earlier version wrote it.
    nesting (Optional[Nesting]): Scores of entities inside of others; null if no entities of one
        side overlap.
    gold_in_ents (bool): Whether entities of `doc.ents` are gold beside those of the key, as the
        pipeline learns both.
    """

    schema: str
    schema_version: int
    model: str
    data: str
    train: str | None
    spans_key: str | None
    tokens: str
    components: list[str]
    counts: DataCounts
    speed: RunCost | None
    exact: ExactScores
    intervals: Intervals | None
    partial: PartialScores
    errors: ErrorSummary
    slices: Slices
    confidence: Confidence | None
    tokenisation: Tokenisation | None
    types: EntityTypes = field(default_factory=EntityTypes)
    on_tokens: CountedMeasures | None = None
    data_version: DataVersion | None = None
    train_version: DataVersion | None = None
    predicted_key: str | None = None
    nesting: Nesting | None = None
    gold_in_ents: bool = False
