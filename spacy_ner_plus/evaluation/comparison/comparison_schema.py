"""What a comparison finds, as comparison.json has it: docs/compare.md has the same as a table.

A is the baseline, B the candidate. Shares are between 0 and 1. A change of meaning raises
SCHEMA_VERSION; new fields do not.
"""

from dataclasses import dataclass

from ...nesting.nesting_counts import NestingCounts
from ..schema import DepthScores, EntityTypes, Throughput
from ..score_types import CountedMeasures, MeasureIntervals, Measures

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.comparison", 1


@dataclass(frozen=True)
class SystemSummary:
    """One of the two.

    model (str): As given.
    components (List[str]): Names in the pipeline; none for predictions that were read.
    predicted (int): Predicted entities that can be judged.
    not_judged (int): Predicted ones beyond those.
    speed (Optional[Throughput]): How fast it was; null for predictions that were read.
    types (EntityTypes): Which entity types its figures are of.
    spans_key (Optional[str]): The key of `doc.spans` that has its entities; null for `doc.ents`,
        and if an earlier version wrote it.
    """

    model: str
    components: list[str]
    predicted: int
    not_judged: int
    speed: Throughput | None
    types: EntityTypes
    spans_key: str | None = None


@dataclass(frozen=True)
class ComparedCounts:
    """What the figures are of.

    documents (int): With annotation.
    documents_that_differ (int): In their counts of right, wrong and missed entities.
    documents_without_annotation (int): Left out, beyond `documents`.
    words (int): Tokens of the reference.
    gold (int): Gold entities that can be judged.
    gold_not_judged (int): Gold entities beyond those.
    """

    documents: int
    documents_that_differ: int
    documents_without_annotation: int
    words: int
    gold: int
    gold_not_judged: int = 0


@dataclass(frozen=True)
class SignificanceTest:
    """Where the p-values are from.

    method (str): In words.
    swaps (int): Ways to swap documents that were looked at.
    exact (bool): Whether these are all ways.
    seed (int): Of random swaps.
    correction (str): Of the p-values of types, in words.
    """

    method: str
    swaps: int
    exact: bool
    seed: int
    correction: str


@dataclass(frozen=True)
class BootstrapSettings:
    """Where the intervals are from.

    level (float): The share of samples within the ends, 0.95.
    samples (int): Samples of documents.
    seed (int): Of their choice.
    """

    level: float
    samples: int
    seed: int


@dataclass(frozen=True)
class MeanComparison:
    """Scores of both, and how they differ.

    a (Measures): Of the baseline.
    b (Measures): Of the candidate.
    difference (Measures): B minus A.
    interval (Optional[MeasureIntervals]): Of the difference; null for a single document.
    p (Measures): p-values of the difference.
    """

    a: Measures
    b: Measures
    difference: Measures
    interval: MeasureIntervals | None
    p: Measures


@dataclass(frozen=True)
class SumComparison(MeanComparison):
    """Scores of both with their counts, and how they differ.

    a (CountedMeasures): Of the baseline.
    b (CountedMeasures): Of the candidate.
    """

    a: CountedMeasures
    b: CountedMeasures


@dataclass(frozen=True)
class TypeComparison(SumComparison):
    """The same of one type.

    p_corrected (Measures): p-values corrected for the number of types with gold entities; 1 of the
        others.
    """

    p_corrected: Measures


@dataclass(frozen=True)
class ExactComparison:
    """Scores of exact matches of span and label.

    micro (SumComparison): Of the sum over the types.
    macro (MeanComparison): Of the means over the types.
    types (Dict[str, TypeComparison]): By label.
    """

    micro: SumComparison
    macro: MeanComparison
    types: dict[str, TypeComparison]


@dataclass(frozen=True)
class SharedCounts:
    """Wrong predictions, or gold entities that are found, by the system.

    both (int): Of both.
    a_only (int): Of A only.
    b_only (int): Of B only.
    """

    both: int
    a_only: int
    b_only: int


@dataclass(frozen=True)
class FoundCounts(SharedCounts):
    """Gold entities by the system that finds them.

    neither (int): Of neither.
    """

    neither: int


@dataclass(frozen=True)
class EntityComparison:
    """Who gets which entities.

    gold (FoundCounts): Gold entities that are found.
    wrong (SharedCounts): Predicted entities that are wrong.
    """

    gold: FoundCounts
    wrong: SharedCounts


@dataclass(frozen=True)
class EntityComparisons(EntityComparison):
    """The same of all types and of each.

    types (Dict[str, EntityComparison]): By label.
    """

    types: dict[str, EntityComparison]


@dataclass(frozen=True)
class LevelComparison:
    """Scores of both for entities that lie inside others, or for those that don't.

    a (DepthScores): Of the baseline, as in `ner-plus evaluate`, without an interval.
    b (DepthScores): Of the candidate.
    difference (Optional[float]): F1 of B minus that of A; null without gold entities.
    interval (Optional[Tuple[float, float]]): Ends for the difference; null for a single document.
    """

    a: DepthScores
    b: DepthScores
    difference: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class NestingComparison:
    """Entities that nest or overlap.

    gold (NestingCounts): How gold entities lie to each other.
    outer (LevelComparison): Of entities that lie inside no other one of their side.
    inner (LevelComparison): Of those that do.
    """

    gold: NestingCounts
    outer: LevelComparison
    inner: LevelComparison


@dataclass(frozen=True)
class KindComparison:
    """Errors of one kind.

    kind (str): Its key, as in `ner-plus evaluate`.
    name (str): Its name to show.
    a (int): Errors of A.
    b (int): Errors of B.
    difference (int): B minus A.
    found_by_b (int): Gold entities with this error in A that B finds.
    found_by_a (int): Gold entities with this error in B that A finds.
    """

    kind: str
    name: str
    a: int
    b: int
    difference: int
    found_by_b: int
    found_by_a: int


@dataclass(frozen=True)
class ErrorComparison:
    """Errors of both.

    kinds (List[KindComparison]): In the order of the table of error types.
    a (int): Errors of A.
    b (int): Errors of B.
    """

    kinds: list[KindComparison]
    a: int
    b: int


@dataclass(frozen=True)
class Drop:
    """A score that is further below the baseline's than the gate allows.

    type (Optional[str]): Its label; null for micro F1.
    points (float): Percent points of F1 that it drops by.
    a (float): F1 of A.
    b (float): F1 of B.
    allowed (float): Percent points that it may drop by.
    p (float): p-value of the difference; for a type the corrected one.
    failed (bool): Whether it counts; if not, it may be chance.
    """

    type: str | None
    points: float
    a: float
    b: float
    allowed: float
    p: float
    failed: bool


@dataclass(frozen=True)
class GateResult:
    """What a gate says.

    max_drop (Optional[float]): As given.
    max_type_drop (Optional[float]): As given.
    min_support (int): As given.
    significant (bool): As given.
    types (List[str]): Those that were looked at.
    passed (bool): Whether the candidate may take the baseline's place.
    drops (List[Drop]): Those that are larger than allowed.
    """

    max_drop: float | None
    max_type_drop: float | None
    min_support: int
    significant: bool
    types: list[str]
    passed: bool
    drops: list[Drop]


@dataclass(frozen=True)
class ComparisonMetrics:
    """All that a comparison finds but the single differences.

    schema (str): `"spacy_ner_plus.comparison"`.
    schema_version (int): 1.
    data (str): As given.
    tokens (str): As given.
    spans_key (Optional[str]): The key of `doc.spans` that has the gold entities; null for
        `doc.ents`.
    a (SystemSummary): The baseline.
    b (SystemSummary): The candidate.
    counts (ComparedCounts): What the figures are of.
    significance (SignificanceTest): Where the p-values are from.
    bootstrap (Optional[BootstrapSettings]): Where the intervals are from; null for a single
        document.
    exact (ExactComparison): Scores of exact matches.
    entities (EntityComparisons): Who gets which entities.
    errors (ErrorComparison): Errors of both by kind.
    gate (Optional[GateResult]): What the gate says; null without one.
    nesting (Optional[NestingComparison]): Scores of entities inside of others; null if none of one
        side overlap.
    gold_in_ents (bool): Whether entities of `doc.ents` are gold beside those of the key, as one of
        the pipelines learns both.
    """

    schema: str
    schema_version: int
    data: str
    tokens: str
    spans_key: str | None
    a: SystemSummary
    b: SystemSummary
    counts: ComparedCounts
    significance: SignificanceTest
    bootstrap: BootstrapSettings | None
    exact: ExactComparison
    entities: EntityComparisons
    errors: ErrorComparison
    gate: GateResult | None
    nesting: NestingComparison | None = None
    gold_in_ents: bool = False
