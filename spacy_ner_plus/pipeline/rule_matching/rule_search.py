"""Looking for all rules of a component in a batch of Docs."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...annotation.rule_hits import SOFT
from ...text.phrases.phrase_table import PhraseTable
from .batch_hits import BatchHits, Meaning
from .regex_search import STRICT, RegexSearch, aligned
from .rule import PHRASE, REGEX, TOKENS
from .rule_set import RuleSet
from .token_patterns import TokenPatterns


class Searched(NamedTuple):
    """What was found in some Docs.

    hits (BatchHits): All hits.
    offsets: (n_docs + 1,) int64, where the tokens of each Doc are among those of all.
    n_off_tokens (int): How many matches of regexes were not on token boundaries.
    """

    hits: BatchHits
    offsets: np.ndarray
    n_off_tokens: int


class GroupOverview(NamedTuple):
    """What is in a group of rules.

    group (int): Its number.
    form (str): See Rule.
    n_rules (int): How many rules.
    n_never, never (int, List[str]): Of phrases: how many were not hit, and the first of them.
    """

    group: int
    form: str
    n_rules: int
    n_never: int
    never: list[str]


class RuleSearch:
    """Finds what rules find.

    rules (RuleSet): The rules.
    vocab (Vocab): The Docs'.

    Attributes:
        alignment_mode (str): What becomes of matches of regexes off token boundaries: see aligned.
        meaning (Meaning): What hits mean.
        regexes (RegexSearch): Knows which regexes took too long.
    """

    def __init__(
        self,
        rules: RuleSet,
        vocab: Vocab,
    ) -> None:
        self.rules = rules
        self.meaning = Meaning(rules.groups)
        names = {group: rule.name for group, rule in rules.single.items()}
        self.regexes = RegexSearch(rules.of_form(REGEX), names)
        patterns = rules.of_form(TOKENS)
        self._patterns = TokenPatterns(vocab, patterns) if patterns else None
        self.alignment_mode = STRICT
        of_groups = [rules.single.get(i) for i in range(len(rules.groups))]
        self._weights = np.array([rule.weight if rule else 0.0 for rule in of_groups])
        self._ids = [rule.id if rule else "" for rule in of_groups]
        # phrases are numbered on from table to table
        n_entries = [table.n_entries for table in rules.tables.values()]
        self._first_entries = np.cumsum([0, *n_entries])  # (n_tables + 1,)

    def find(self, docs: Sequence[Doc]) -> Searched:
        """All hits in some Docs.

        RAISES ValueError: If a Doc lacks an annotation that a pattern asks for.
        """
        lengths = np.fromiter(map(len, docs), dtype=np.int64, count=len(docs))
        offsets = np.concatenate([[0], np.cumsum(lengths)])  # (n_docs + 1,)
        rows, n_off_tokens = [], 0
        # before anything is searched that is counted
        if self._patterns is not None:
            for i, doc in enumerate(docs):
                rows += [(i, *match) for match in self._patterns.matches(doc)]
        if self.regexes:
            for i, doc in enumerate(docs):
                matches = self.regexes.matches(doc.text)
                if matches:
                    spans, n_off = aligned(doc, matches, self.alignment_mode)
                    rows += [(i, *span) for span in spans]
                    n_off_tokens += n_off
        phrases = self._phrases(docs, lengths, offsets)
        return Searched(BatchHits.joined([BatchHits.of(rows), *phrases]), offsets, n_off_tokens)

    def _phrases(
        self, docs: Sequence[Doc], lengths: np.ndarray, offsets: np.ndarray
    ) -> list[BatchHits]:
        tokens: dict[str, np.ndarray] = {}
        found = []
        for number, (key, table) in enumerate(self.rules.tables.items()):
            attribute = table.attribute
            if attribute not in tokens:
                hashes = [doc.to_array([attribute]) for doc in docs]
                tokens[attribute] = np.concatenate([np.zeros(0, dtype=np.uint64), *hashes])
            hits = table.matches(tokens[attribute], lengths)
            if len(hits):
                which, entries = table.entries_of(hits.phrases)  # (n_hits,) each
                starts, ends = hits.starts[which], hits.ends[which]
                of_docs = np.searchsorted(offsets, starts, side="right") - 1  # (n_hits,)
                firsts = offsets[of_docs]
                groups = self.rules.groups_of(key, entries)
                entries = entries + self._first_entries[number]
                found.append(BatchHits(of_docs, starts - firsts, ends - firsts, groups, entries))
        return found

    def weights(self, hits: BatchHits) -> np.ndarray:
        """(n_hits,) float64, the weights of hits; 0 of those that are not soft."""
        weights = self._weights[hits.groups]
        for chosen, entries, table in self._by_table(hits):
            weights[chosen] = table.entry_weights[entries]
        weights[~self.meaning.is_kind(SOFT)[hits.groups]] = 0.0
        return weights

    def ids(self, hits: BatchHits) -> list[str]:
        """The id of what each hit found; "" for none."""
        ids = [self._ids[group] for group in hits.groups.tolist()]
        for chosen, entries, table in self._by_table(hits):
            its_ids = table.ids.strings(table.entry_ids[entries].astype(np.int64))
            for i, id_ in zip(chosen.tolist(), its_ids, strict=True):
                ids[i] = id_
        return ids

    def _by_table(self, hits: BatchHits) -> Iterator[tuple[np.ndarray, np.ndarray, PhraseTable]]:
        """The positions of hits of phrases and their entries, for each table that has some."""
        numbers = np.searchsorted(self._first_entries, hits.entries, side="right") - 1
        for number, table in enumerate(self.rules.tables.values()):
            chosen = np.flatnonzero(numbers == number)
            if len(chosen):
                yield chosen, hits.entries[chosen] - self._first_entries[number], table

    def overview(self, seen: Collection[int], n_named: int) -> Iterator[GroupOverview]:
        """Each group of rules, in their order.

        seen (Collection[int]): The entries of phrases that were hit, as BatchHits has them.
        n_named (int): How many of the phrases that were not are named at most.
        """
        counts: Counter[int] = Counter()
        missed: dict[int, list[str]] = defaultdict(list)
        n_missed: Counter[int] = Counter()
        was_seen = np.zeros(int(self._first_entries[-1]), dtype=bool)
        was_seen[list(seen)] = True
        for number, (key, table) in enumerate(self.rules.tables.items()):
            groups = self.rules.groups_of(key, np.arange(table.n_entries))  # (n_entries,)
            counts.update(groups.tolist())
            first = int(self._first_entries[number])
            for entry in np.flatnonzero(~was_seen[first : first + table.n_entries]).tolist():
                group = int(groups[entry])
                n_missed[group] += 1
                if len(missed[group]) < n_named:
                    missed[group].append(table.texts[entry])
        for group in range(len(self.rules.groups)):
            rule = self.rules.single.get(group)
            if rule is not None:
                yield GroupOverview(group, rule.form, 1, 0, [])
            else:
                yield GroupOverview(group, PHRASE, counts[group], n_missed[group], missed[group])
