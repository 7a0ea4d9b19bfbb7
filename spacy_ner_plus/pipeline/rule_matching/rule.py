"""One rule: what it looks for, and what a hit means. As rows of JSON, and back."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import regex

from ...annotation.rule_hits import ANY_LABEL, BLOCK, BLOCK_WORDS, HARD, KINDS, SOFT
from ...support.numbers import as_float

PHRASE, TOKENS, REGEX = "phrase", "tokens", "regex"
ATTRIBUTES = ("ORTH", "LOWER", "NORM")
# In the log score of the model, where a soft rule does not say how much.
DEFAULT_WEIGHT = 1.0
# What a row may say besides what it looks for.
COMMON = ("label", "id", "kind", "weight", "rule", "attribute")
KEYS = ("pattern", "phrase", "regex", *COMMON)

TokenPattern = list[dict[str, Any]]


class Rule(NamedTuple):
    """What is looked for, and what it means where it is found.

    form (str): "phrase", "tokens" or "regex".
    pattern (str / List[Dict]): The phrase, the tokens as spaCy's Matcher takes them, or the regex.
    label (str): The type of entity; ANY_LABEL, in blocks only, for every type.
    kind (str): What a hit means, one of KINDS: see RuleHit.
    weight (float): Of soft rules; 0 for others.
    id (str): The id of what is found; "" for none.
    name (str): What the rule is called in doc._.rule_hits and in reports. Several may share it.
    attribute (str): Of phrases, by what tokens are compared: one of ATTRIBUTES. "" for others.
    """

    form: str
    pattern: str | TokenPattern
    label: str
    kind: str = HARD
    weight: float = 0.0
    id: str = ""
    name: str = ""
    attribute: str = ""

    def to_row(self) -> dict[str, Any]:
        """The rule as plain data: what read_rule reads again."""
        row: dict[str, Any] = {"label": self.label} if self.label else {}
        row["pattern" if self.form == TOKENS else self.form] = self.pattern
        if self.kind != HARD:
            row["kind"] = self.kind
        if self.kind == SOFT:
            row["weight"] = self.weight
        if self.id:
            row["id"] = self.id
        row["rule"] = self.name
        if self.attribute:
            row["attribute"] = self.attribute
        return row


def read_rule(
    row: Any, defaults: Mapping[str, Any] | None = None, *, phrases: str = "phrases"
) -> Rule:
    """A rule from plain data.

    row (Dict): One of "pattern" (text, or the tokens of spaCy's Matcher), "phrase" and "regex";
        and of COMMON what differs from the defaults. The patterns of spaCy's entity_ruler are such
        rows.
    defaults (Dict): Values of COMMON for rows that don't have them.
    phrases (str): The name of phrases that have none: of the list that they are in.
    RAISES ValueError: If the row is no rule.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"A rule must be an object with a label and a pattern, got {row!r:.80}.")
    if unknown := [key for key in row if key not in KEYS]:
        raise ValueError(f"A rule has no {unknown}: it may have {', '.join(KEYS)}.")
    values = {**(defaults or {}), **{key: row[key] for key in row if row[key] is not None}}
    form, pattern = _pattern_of(values)
    kind = values.get("kind", HARD)
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is unknown: use one of {', '.join(KINDS)}.")
    return Rule(
        form,
        pattern,
        _label_of(values, kind),
        kind,
        _weight_of(values, kind, says_kind=row.get("kind") is not None),
        _text(values, "id"),
        _text(values, "rule") or (phrases if form == PHRASE else _in_short(pattern)),
        _attribute_of(values, is_own="attribute" in row) if form == PHRASE else _none_of(row, form),
    )


def _pattern_of(values: Mapping[str, Any]) -> tuple[str, str | TokenPattern]:
    given = [key for key in ("pattern", "phrase", "regex") if key in values]
    if len(given) != 1:
        raise ValueError(
            "A rule needs one of pattern, phrase and regex, "
            + (f"and not {' and '.join(given)}." if given else "got none of them.")
        )
    [key] = given
    pattern = values[key]
    if key == "pattern" and isinstance(pattern, list):
        if not pattern or not all(isinstance(token, dict) for token in pattern):
            raise ValueError(f"pattern = {pattern!r:.80} must be a list of objects, one a token.")
        return TOKENS, _plain_data(pattern)
    if not isinstance(pattern, str) or not pattern.strip():
        raise ValueError(f"{key} = {pattern!r:.80} must be text that is not empty.")
    check_characters(key, pattern)
    return (REGEX, check_regex(pattern)) if key == "regex" else (PHRASE, pattern)


def _plain_data(pattern: TokenPattern) -> TokenPattern:
    """RAISES ValueError: If a pattern of tokens can't be saved."""
    try:
        check_characters("pattern", json.dumps(pattern, ensure_ascii=False))
    except TypeError as error:
        raise ValueError(f"pattern = {pattern!r:.80} is no plain data: {error}.") from error
    return pattern


def check_characters(key: str, text: str) -> None:
    """RAISES ValueError: If a text has half a character, which no file can hold and no text has."""
    try:
        text.encode("utf8")
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise ValueError(f"{key} = {text!r:.80}: {half} is half a character.") from error


def check_regex(pattern: str) -> str:
    """A regex as it is.

    RAISES ValueError: If it is none, or finds the empty text, which no entity is.
    """
    try:
        compiled = regex.compile(pattern)
        finds_nothing = compiled.fullmatch("", timeout=1.0)
    except (regex.error, TimeoutError, RecursionError) as error:
        raise ValueError(f"regex = {pattern!r:.200} is no regular expression: {error}.") from error
    if finds_nothing:
        raise ValueError(f"regex = {pattern!r} finds the empty text: let it need a character.")
    return pattern


def _label_of(values: Mapping[str, Any], kind: str) -> str:
    label = _text(values, "label")
    if not label and kind not in (BLOCK, BLOCK_WORDS):
        raise ValueError(
            f"A {kind} rule needs a label: give it one, or one to all rules of the file that have "
            'none, by "label" beside its "path"; ner-plus rules check has --label.'
        )
    return label or ANY_LABEL


def _weight_of(values: Mapping[str, Any], kind: str, *, says_kind: bool) -> float:
    if kind != SOFT:
        if "weight" in values and not says_kind:  # else it may be that of the others in its file
            raise ValueError(f"weight is for rules of the kind soft; this one is {kind}.")
        return 0.0
    weight = as_float(values.get("weight", DEFAULT_WEIGHT), "weight")
    if not abs(weight) < float("inf"):  # false for NaN, too
        raise ValueError(f"weight = {weight} must be a number that is finite.")
    return weight


def _attribute_of(values: Mapping[str, Any], *, is_own: bool) -> str:
    attribute = str(values.get("attribute", ATTRIBUTES[0])).upper()
    if attribute not in ATTRIBUTES:
        whose = "attribute" if is_own else "phrase_matcher_attr"
        raise ValueError(f"{whose} = {attribute!r} is unknown: use {', '.join(ATTRIBUTES)}.")
    return attribute


def _none_of(row: Mapping[str, Any], form: str) -> str:
    if row.get("attribute") is not None:
        raise ValueError(
            "attribute is for phrases; "
            + ("each token says its own." if form == TOKENS else "a regex reads the text itself.")
        )
    return ""


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{key} = {value!r:.80} must be text.")
    check_characters(key, str(value))
    return str(value)


def _in_short(pattern: str | TokenPattern) -> str:
    """A rule without a name is called by what it looks for."""
    return pattern if isinstance(pattern, str) else json.dumps(pattern, ensure_ascii=False)


def check_defaults(defaults: Mapping[str, Any]) -> None:
    """RAISES ValueError: If values for all rows of a file have names that rows don't have."""
    if unknown := [key for key in defaults if key not in COMMON]:
        raise ValueError(f"Rules have no {unknown}: they may have {', '.join(COMMON)}.")
