"""What became of the hits of rules, in numbers."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class RuleCounts:
    """Of the documents that a component has read in this process, how many hits became what.

    documents (int): Read.
    hits (Counter): Hits by kind, before anything was left out.
    entities (int): Hits that were found to be entities.
    repeated (int): Hits with the span and label of a chosen one: no conflict.
    conflicts (int): Hard hits, and soft ones if soft_ents, that a chosen one overlaps, or has with
        another label.
    blocked (int): Hits on which a block lies.
    existing (int): Hard hits in the way of entities that were on the Doc.
    off_tokens (int): Matches of regexes that don't start and end where tokens do: left out, or with
        alignment_mode = "expand" made longer.
    timeouts (Counter): Documents for which a regex took too long, by the rule's name.
    switched_off (List[str]): The names of regexes that are not searched for any more.
    """

    documents: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    entities: int = 0
    repeated: int = 0
    conflicts: int = 0
    blocked: int = 0
    existing: int = 0
    off_tokens: int = 0
    timeouts: Counter[str] = field(default_factory=Counter)
    switched_off: list[str] = field(default_factory=list)
