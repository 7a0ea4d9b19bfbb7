"""Counting, document by document, what rules find and whether it is right."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from spacy.training import Example

from ...annotation.entity_source import DOC_ENTS, EntitySource
from ...annotation.gold import annotated_labels
from ...annotation.judging import aligned, in_reference, judgeable, judged_gold
from ...annotation.rule_hits import ANY_LABEL, BLOCK, HARD, SOFT
from ...pipeline.rule_matching.batch_hits import RuleGroup
from ...pipeline.rule_matching.found_hits import FoundHits
from ...tags import Span

# Groups of rules: of the one that was taken, and of the one that was not.
Pair = tuple[int, int]


class RuleTally:
    """What rules found so far.

    groups (Sequence[RuleGroup]): What their hits mean.
    source (EntitySource): Where annotated entities are.

    Attributes:
        hits, right, wrong, not_judged, entities, blocked, found (Counter): By the numbers of
            groups: see RuleScores.
        gold (Counter): Annotated entities that can be judged, by type.
        seen (Set[int]): The entries of phrases that were hit.
        conflicts (Counter): Hits that were not taken, by the groups of both hits.
        examples (Dict): The texts of the first of these: of the one that was not taken, and of the
            other.
        n_right (int): Right entities.
    """

    def __init__(self, groups: Sequence[RuleGroup], source: EntitySource = DOC_ENTS) -> None:
        self.groups = groups
        self._source = source
        self.hits: Counter[int] = Counter()
        self.right: Counter[int] = Counter()
        self.wrong: Counter[int] = Counter()
        self.not_judged: Counter[int] = Counter()
        self.entities: Counter[int] = Counter()
        self.blocked: Counter[int] = Counter()
        self.found: Counter[int] = Counter()
        self.gold: Counter[str] = Counter()
        self.seen: set[int] = set()
        self.conflicts: Counter[Pair] = Counter()
        self.examples: dict[Pair, tuple[str, str]] = {}
        self.n_right = 0

    def add(self, examples: Sequence[Example], found: FoundHits) -> None:
        """Count a batch.

        examples (Sequence[Example]): The annotated documents; those that were searched are their
            predicted ones.
        """
        hits = found.hits
        self.hits.update(hits.groups.tolist())
        self.entities.update(hits.groups[found.choice.chosen].tolist())
        self.blocked.update(hits.groups[found.is_blocked].tolist())
        self.seen.update(hits.entries[hits.entries >= 0].tolist())
        self._count_conflicts(examples, found)
        chosen = np.zeros(len(hits), dtype=bool)
        chosen[found.choice.chosen] = True
        by_doc: dict[int, list[int]] = defaultdict(list)
        for i, doc in enumerate(hits.docs.tolist()):
            by_doc[doc].append(i)
        starts, ends, groups = (c.tolist() for c in (hits.starts, hits.ends, hits.groups))
        for number, example in enumerate(examples):
            gold = judged_gold(example.y, self._source)
            self.gold.update(label for _, _, label in gold)
            rows = by_doc[number]
            spans = [(starts[i], ends[i], self.groups[groups[i]].label) for i in rows]
            own = [groups[i] for i in rows]
            self._judge(example, set(gold), spans, own, [bool(chosen[i]) for i in rows])

    def _judge(
        self,
        example: Example,
        gold: set[Span],
        spans: list[Span],
        groups: list[int],
        is_entity: list[bool],
    ) -> None:
        kinds = [self.groups[group].kind for group in groups]
        found: set[tuple[int, Span]] = set()
        entities: set[Span] = set()
        judged = in_reference(example, spans, self._source)
        blocks = aligned(example, spans)
        for i, group in enumerate(groups):
            if kinds[i] not in (HARD, SOFT):
                self._judge_block(example, gold, blocks[i], group, found)
                continue
            span = judged[i]
            if span is None:
                self.not_judged[group] += 1
            elif span in gold:
                self.right[group] += 1
                found.add((group, span))
                if is_entity[i]:
                    entities.add(span)
            else:
                self.wrong[group] += 1
        self.found.update(group for group, _ in found)
        self.n_right += len(entities)

    def _judge_block(
        self,
        example: Example,
        gold: set[Span],
        span: Span | None,
        group: int,
        found: set[tuple[int, Span]],
    ) -> None:
        known = annotated_labels(example.y)
        label, kind, _ = self.groups[group]
        [is_known] = judgeable(example.y, [span], None, self._source)
        if span is None or not is_known or (known and label not in (*known, ANY_LABEL)):
            self.not_judged[group] += 1
            return
        start, end, _ = span
        kept_out = [
            entity
            for entity in gold
            if label in (ANY_LABEL, entity[2])
            and (
                entity[:2] == (start, end)
                if kind == BLOCK
                else entity[0] < end and start < entity[1]
            )
        ]
        (self.wrong if kept_out else self.right)[group] += 1
        found |= {(group, entity) for entity in kept_out}

    def _count_conflicts(self, examples: Sequence[Example], found: FoundHits) -> None:
        hits, choice = found.hits, found.choice
        for loser, winner in zip(choice.losers.tolist(), choice.winners.tolist(), strict=True):
            pair = (int(hits.groups[winner]), int(hits.groups[loser]))
            if found.is_repeated(loser, winner):
                continue
            self.conflicts[pair] += 1
            if pair not in self.examples:
                doc = examples[hits.docs[loser]].x
                lost, won = (doc[hits.starts[i] : hits.ends[i]].text for i in (loser, winner))
                self.examples[pair] = (lost, won)
