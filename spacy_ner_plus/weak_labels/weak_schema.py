"""The figures of texts that were annotated by votes."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class VoterFigures:
    """What a voter said, and how good its votes are by the agreement of all.

    name (str): The rule, list or pipeline.
    labels (List[str]): The types that it voted for.
    votes (int): Places that it voted a type for.
    blocks (int): Candidates of which it said that they are none.
    alone (int): Of its votes, those of which nobody else said anything.
    precision (float): The expected share of right ones among its votes; None without votes.
    recall (float): The expected share of entities of its types that it finds, of those that anybody
        finds; None if there are none.
    """

    name: str
    labels: list[str]
    votes: int
    blocks: int
    alone: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class PairFigures:
    """How two voters go together.

    one, other (str): Their names.
    agree (int): Candidates of which both say the same.
    conflict (int): Candidates of which they say different things.
    overlap (int): How often they want places that overlap and are not the same.
    example (str): A candidate with a conflict, with what both say; "" without any.
    """

    one: str
    other: str
    agree: int
    conflict: int
    overlap: int
    example: str = ""


@dataclass(frozen=True)
class WeakLabels:
    """What became of some texts.

    texts, output (str): What was read and written.
    documents (int): Texts.
    candidates (int): Places that somebody voted a type for.
    threshold, reject_below (float): From where on candidates are accepted, and up to where they are
        rejected.
    accepted, rejected, ignored (Dict[str, int]): Spans of each status, by type.
    voters (List[VoterFigures]): In the order in which they were given.
    pairs (List[PairFigures]): Those of voters that meet at all, the most conflicts first.
    dropped (int): Votes that contradict longer ones of the same voter.
    iterations (int): Of the estimation.
    has_converged (bool): Whether it came to an end.
    warnings (List[str]): What is to be known of the figures.
    """

    texts: str
    output: str
    documents: int
    candidates: int
    threshold: float
    reject_below: float
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    voters: list[VoterFigures] = field(default_factory=list)
    pairs: list[PairFigures] = field(default_factory=list)
    dropped: int = 0
    iterations: int = 0
    has_converged: bool = True
    warnings: list[str] = field(default_factory=list)
