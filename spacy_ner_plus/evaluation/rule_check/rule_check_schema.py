"""What a check of rules found, as its JSON has it."""

from dataclasses import dataclass, field

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.rule_check", 1


@dataclass(frozen=True)
class RuleScores:
    """A regex, a pattern of tokens, or the phrases of one list with one label and kind.

    name (str): What it is called.
    label (str): Its entity type; empty for every type.
    kind (str): What a hit means: "hard", "soft", "block" or "block_words".
    form (str): "phrase", "tokens" or "regex".
    n_rules (int): How many rules they are: of phrases, how many.
    n_never (int): Those of them that match nowhere in the data.
    never (List[str]): The first 100 of these, of phrases.
    hits (int): Places where they match.
    right (int): Hits that are annotated as an entity of exactly this span and type; of blocks, hits
        that keep nothing out that is annotated.
    wrong (int): Hits that are not.
    not_judged (int): Hits where it is not known whether they are, for lack of annotation.
    entities (int): Hits that become entities, if there are no other components.
    blocked (int): Hits on which a block lies.
    found (int): Annotated entities of the type that are hit; of blocks, annotated entities that are
        kept out.
    gold (int): Annotated entities of the type.
    timeouts (int): Documents for which a regex took too long.
    is_switched_off (bool): Whether the regex took too long so often that it was switched off.
    precision (float): Right hits as a share of those that can be judged; null without any.
    recall (float): Found entities as a share of those of the type; null for blocks.
    """

    name: str
    label: str
    kind: str
    form: str
    n_rules: int
    n_never: int
    never: list[str]
    hits: int
    right: int
    wrong: int
    not_judged: int
    entities: int
    blocked: int
    found: int
    gold: int
    timeouts: int
    is_switched_off: bool
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class RuleConflict:
    """Two rules of which hits overlap, so that those of one are no entities.

    winner (str): The rule whose hit is taken.
    winner_label (str): Its type.
    loser (str): The rule whose hit is not.
    loser_label (str): Its type.
    n (int): How often.
    example (str): What the first of the hits that are not taken covers.
    winner_example (str): What the hit covers that is taken instead.
    """

    winner: str
    winner_label: str
    loser: str
    loser_label: str
    n: int
    example: str
    winner_example: str


@dataclass(frozen=True)
class RuleCheck:
    """What rules find in annotated data.

    rules (str): The rules or the pipeline.
    data (str): The data.
    spans_key (Optional[str]): The key of `doc.spans` that has the annotated entities; null for
        `doc.ents`.
    documents (int): Documents that are annotated.
    documents_without_annotation (int): Documents that were left out.
    scores (List[RuleScores]): In the order that was asked for.
    conflicts (List[RuleConflict]): The most frequent first.
    entities (int): Entities that the rules find together, with no other component.
    right (int): Those of them that are right.
    gold (int): Annotated entities of the types that there are hard or soft rules for.
    off_tokens (int): Matches of regexes that don't start and end where tokens do.
    refused (Dict[str, int]): Hits that a validator refused, by type.
    schema (str): What this is.
    schema_version (int): The version of its form.
    """

    rules: str
    data: str
    spans_key: str | None
    documents: int
    documents_without_annotation: int
    scores: list[RuleScores]
    conflicts: list[RuleConflict]
    entities: int
    right: int
    gold: int
    off_tokens: int
    refused: dict[str, int] = field(default_factory=dict)
    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION
