"""All rules of a component, and what they find in Docs."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from spacy.language import Language

from ...annotation.rule_hits import HARD, KINDS, SOFT
from ...text.phrases.phrase_building import build_phrase_table
from ...text.phrases.phrase_entry import PhraseEntry
from ...text.phrases.phrase_table import PhraseTable
from .batch_hits import RuleGroup
from .rule import PHRASE, TOKENS, Rule, check_characters, read_rule
from .rule_reading import VERSION, VERSION_KEY, Placed
from .token_patterns import check_token_pattern

logger = logging.getLogger("spacy_ner_plus")

# The kind of phrases, and by what their tokens are compared.
TableKey = tuple[str, str]


@dataclass(frozen=True)
class RuleSet:
    """Rules, in their order. It does not change: what is added makes another one.

    groups (List[RuleGroup]): What hits mean.
    single (Dict[int, Rule]): The patterns of tokens and the regexes, each a group of its own.
    tables (Dict[Tuple[str, str], PhraseTable]): The phrases, by kind and attribute.
    """

    groups: list[RuleGroup] = field(default_factory=list)
    single: dict[int, Rule] = field(default_factory=dict)
    tables: dict[TableKey, PhraseTable] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many rules there are, each phrase with a label as one."""
        return len(self.single) + sum(table.n_entries for table in self.tables.values())

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The types of entities that its rules find, sorted."""
        found = {group.label for group in self.groups if group.kind in (HARD, SOFT)}
        return tuple(sorted(found))

    def of_form(self, form: str) -> dict[int, Any]:
        """The patterns of rules that are no phrases, by group. form (str): "tokens" or "regex"."""
        return {group: rule.pattern for group, rule in self.single.items() if rule.form == form}

    def rules(self) -> Iterator[Rule]:
        """All rules: those that are no phrases, then the phrases."""
        yield from self.single.values()
        for (kind, attribute), table in self.tables.items():
            for i in range(table.n_entries):
                yield phrase_rule(table, i, kind, attribute)

    # Adding

    def plus(self, read: Callable[[], Iterable[Placed]], nlp: Language) -> "RuleSet":
        """These rules and further ones.

        read (Callable): Gives the further ones. It is called again for each kind of phrases among
            them, so that nothing long begins before all were looked at, and not all of a long list
            are in memory at once.
        nlp (Language): Its tokenizer takes phrases apart.
        RAISES ValueError: If one is none: with its place.
        """
        groups, single = list(self.groups), dict(self.single)
        known = {group for i, group in enumerate(groups) if i not in single}
        added: set[TableKey] = set()
        for rule, where in read():
            group = RuleGroup(rule.label, rule.kind, rule.name)
            if rule.form == PHRASE:
                added.add((rule.kind, rule.attribute))
                if group in known:
                    continue
                known.add(group)
            else:
                _check(rule, where, nlp)
                single[len(groups)] = rule
            groups.append(group)
        tables = self.tables | {key: self._table(key, read, nlp) for key in sorted(added)}
        return RuleSet(groups, single, dict(sorted(tables.items())))

    def _table(
        self, key: TableKey, read: Callable[[], Iterable[Placed]], nlp: Language
    ) -> PhraseTable:
        """The phrases of one kind and attribute that there are, and those among further rules."""
        attribute = key[1]

        def entries() -> Iterator[PhraseEntry]:
            if key in self.tables:
                yield from _entries_of(self.tables[key])
            for rule, where in read():
                if rule.form == PHRASE and (rule.kind, rule.attribute) == key:
                    text = str(rule.pattern)
                    yield PhraseEntry(text, rule.label, rule.id, rule.weight, rule.name, where)

        table, counts = build_phrase_table(entries(), nlp, attribute)
        if counts.too_long.n:
            raise ValueError(
                f"{counts.too_long.n} phrases are too long: {', '.join(counts.too_long.places)}."
            )
        if counts.n_other_weights:
            logger.warning(
                "%s rows of phrases repeat others with another weight: that of the first counts.",
                counts.n_other_weights,
            )
        return table

    # Saving

    def to_json(self) -> bytes:
        """All but the phrases themselves."""
        rows = [
            self.single[i].to_row() if i in self.single else {"phrases": list(group)}
            for i, group in enumerate(self.groups)
        ]
        return json.dumps({VERSION_KEY: VERSION, "rules": rows}, ensure_ascii=False).encode("utf8")

    @classmethod
    def from_json(
        cls, saved: Mapping[str, Any], tables: Mapping[TableKey, PhraseTable]
    ) -> "RuleSet":
        """The reverse of to_json, with the phrases.

        RAISES ValueError: If it is something else, or of another version.
        """
        if saved.get(VERSION_KEY) != VERSION or not isinstance(saved.get("rules"), list):
            raise ValueError(f"holds no rules of version {VERSION}")
        groups, single = [], {}
        for row in saved["rules"]:
            if isinstance(row, dict) and set(row) == {"phrases"}:
                groups.append(_phrase_group(row["phrases"]))
            else:
                single[len(groups)] = rule = read_rule(row)
                groups.append(RuleGroup(rule.label, rule.kind, rule.name))
        found = cls(groups, single, dict(sorted(tables.items())))
        for key, table in tables.items():
            try:
                found.groups_of(key, np.arange(table.n_entries))
            except KeyError as error:
                raise ValueError(f"lacks the rules {error} of its phrases") from error
        return found

    # Finding

    def groups_of(self, key: TableKey, entries: np.ndarray) -> np.ndarray:
        """The groups of entries of a table, (n,) int64. entries: (n,) int64."""
        table, kind = self.tables[key], key[0]
        pairs = table.entry_labels[entries].astype(np.int64) * len(table.rules)
        pairs += table.entry_rules[entries]  # (n,)
        different, which = np.unique(pairs, return_inverse=True)
        groups = [
            self._phrase_groups[RuleGroup(table.labels[label], kind, table.rules[rule])]
            for label, rule in zip(*np.divmod(different, len(table.rules)), strict=True)
        ]
        return np.array(groups, dtype=np.int64)[which]

    @cached_property
    def _phrase_groups(self) -> dict[RuleGroup, int]:
        return {group: i for i, group in enumerate(self.groups) if i not in self.single}


def _check(rule: Rule, where: str, nlp: Language) -> None:
    if rule.form == TOKENS:
        try:
            check_token_pattern(nlp.vocab, rule.pattern)  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error


def _entries_of(table: PhraseTable) -> Iterator[PhraseEntry]:
    for i in range(table.n_entries):
        rule = phrase_rule(table, i, "", "")
        yield PhraseEntry(str(rule.pattern), rule.label, rule.id, rule.weight, rule.name)


def _phrase_group(names: Any) -> RuleGroup:
    is_group = isinstance(names, list) and len(names) == 3
    if not is_group or not all(isinstance(name, str) for name in names) or names[1] not in KINDS:
        raise ValueError("has phrases without a label, kind and name")
    check_characters("label", names[0])
    return RuleGroup(*names)


def phrase_rule(table: PhraseTable, entry: int, kind: str, attribute: str) -> Rule:
    """The rule of an entry in a table of phrases."""
    return Rule(
        PHRASE,
        table.texts[entry],
        table.labels[table.entry_labels[entry]],
        kind,
        float(table.entry_weights[entry]),
        table.ids[table.entry_ids[entry]],
        table.rules[table.entry_rules[entry]],
        attribute,
    )
