"""What becomes of the hits in a batch of Docs: entities, what travels on, and what is left out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise, starmap
from typing import Any

import numpy as np
from spacy.tokens import Doc

from ...annotation.existing import Existing
from ...annotation.rule_hits import HARD, KINDS, SOFT, HitRow
from ...models.decoding.entities import NO_ENTITIES, Entities
from ..rule_matching.batch_hits import BatchHits, HitChoice, blocked, choose
from ..rule_matching.found_hits import FoundHits
from ..rule_matching.rule_search import RuleSearch, Searched
from ..validators import Check
from .counts import RuleCounts


@dataclass(frozen=True, init=False)
class RuledEntities(Entities):
    """The entities that rules found in one Doc; their probabilities are not known.

    ids (List[str]): The id of each; "" for none.
    hits (Sequence[Tuple]): What is left on the Doc for models behind, each with the values of a
        RuleHit: hits that may have overlapped, but none that contradict each other.
    """

    ids: list[str]
    hits: Sequence[HitRow]

    def __init__(self, **columns: Any) -> None:
        # each Doc has one, and what dataclasses do for frozen ones takes as long as to write it
        self.__dict__.update(columns)


NOTHING = RuledEntities(**vars(NO_ENTITIES), ids=[], hits=())


@dataclass(frozen=True)
class Decider:
    """Decides what becomes of hits.

    search (RuleSearch): What found them.
    soft_ents (bool): Whether soft hits of a positive weight may be entities.
    checks (Mapping[str, Callable]): What says which entities of a Doc are valid, by label.
    counts, refused: What is counted.
    """

    search: RuleSearch
    soft_ents: bool
    checks: Mapping[str, Check]
    counts: RuleCounts
    refused: Counter[str]

    def decide(
        self,
        docs: Sequence[Doc],
        searched: Searched,
        known: Mapping[int, Existing],
    ) -> FoundHits:
        """Decide.

        docs (Sequence[Doc]): The batch.
        searched (Searched): What was found in it.
        known (Mapping[int, Existing]): What is on some of the Docs and is to stay.
        """
        meaning, counts = self.search.meaning, self.counts
        hits, offsets, n_off_tokens = searched
        counts.hits.update({kind: int(meaning.is_kind(kind)[hits.groups].sum()) for kind in KINDS})
        hits = self._valid(docs, hits.sorted())
        is_hard, is_soft = (meaning.is_kind(kind)[hits.groups] for kind in (HARD, SOFT))
        may_be = is_hard | (is_soft & (self.search.weights(hits) > 0) if self.soft_ents else False)
        is_blocked = blocked(hits, meaning, offsets) & (is_hard | is_soft)
        is_hindered = may_be & ~is_blocked & self._in_the_way(hits, known)
        candidates = np.flatnonzero(may_be & ~is_blocked & ~is_hindered)
        choice = choose(hits[candidates], meaning, offsets)
        choice = HitChoice(*(candidates[positions] for positions in choice))
        labels = meaning.labels[hits.groups]
        is_repeated = _same(hits, labels, choice)
        counts.entities += len(choice.chosen)
        counts.repeated += int(is_repeated.sum())
        counts.conflicts += int((~is_repeated).sum())
        counts.blocked += int(is_blocked.sum())
        counts.existing += int((is_hindered & is_hard).sum())
        travels = ~is_hard & ~(is_blocked & is_soft)
        travels[choice.chosen] = True
        return FoundHits(hits, labels, choice, is_blocked, travels, n_off_tokens)

    def _valid(self, docs: Sequence[Doc], hits: BatchHits) -> BatchHits:
        """The hits but for those whose text their label's validator refuses."""
        if not self.checks:
            return hits
        meaning = self.search.meaning
        may_be = (meaning.is_kind(HARD) | meaning.is_kind(SOFT))[hits.groups]
        is_valid = np.ones(len(hits), dtype=bool)
        labels = meaning.labels[hits.groups]  # (n_hits,)
        for label, check in self.checks.items():
            own = np.flatnonzero(may_be & (labels == meaning.label_names.index(label)))
            # of each Doc together: hits are in the order of their Docs
            for here in np.split(own, np.flatnonzero(np.diff(hits.docs[own])) + 1):
                if len(here):
                    doc = docs[hits.docs[here[0]]]
                    places = zip(hits.starts[here].tolist(), hits.ends[here].tolist(), strict=True)
                    is_valid[here] = found = check(doc, places)
                    if not all(found):
                        self.refused[label] += found.count(False)
        return hits[is_valid]

    def _in_the_way(self, hits: BatchHits, known: Mapping[int, Existing]) -> np.ndarray:
        """(n_hits,) bool, the hits that touch an entity of their Doc and are another one."""
        found = np.zeros(len(hits), dtype=bool)
        for doc, on_doc in known.items():
            here = np.arange(*np.searchsorted(hits.docs, [doc, doc + 1]))  # they are sorted
            free = on_doc.is_free(hits.starts[here], hits.ends[here])
            for i in here[~free].tolist():
                label = self.search.meaning.groups[hits.groups[i]].label
                found[i] = (hits.starts[i], hits.ends[i], label) not in on_doc.entities
        return found

    def by_doc(
        self, docs: Sequence[Doc], decided: FoundHits, labels: Sequence[str]
    ) -> list[Entities]:
        """The entities and hits of each Doc.

        labels (Sequence[str]): What the labels of entities are indices into.
        """
        found: list[Entities] = [NOTHING] * len(docs)
        hits = decided.hits[decided.travels]
        is_entity = np.zeros(len(decided.hits), dtype=bool)
        is_entity[decided.choice.chosen] = True
        is_entity = is_entity[decided.travels]  # (n_hits,)
        ids = self.search.ids(hits)
        rows = self._rows(docs, hits, ids)
        entities = self._entities(hits[is_entity], labels)
        ids = list(compress(ids, is_entity.tolist()))
        # all below is done once a Doc, so that it must be little: slices of what was made for all
        which, firsts = np.unique(hits.docs, return_index=True)  # (n_docs,) each
        edges = np.append(firsts, len(hits))  # (n_docs + 1,) of hits
        entity_edges = np.concatenate([[0], np.cumsum(is_entity)])[edges]
        for doc, here, own in zip(
            which.tolist(), _slices(edges), _slices(entity_edges), strict=True
        ):
            found[doc] = RuledEntities(
                starts=entities.starts[own],
                ends=entities.ends[own],
                labels=entities.labels[own],
                probabilities=entities.probabilities[own],
                ids=ids[own],
                hits=rows[here],
            )
        return found

    def _rows(self, docs: Sequence[Doc], hits: BatchHits, ids: Sequence[str]) -> list[HitRow]:
        """The values of a RuleHit of each hit. ids (Sequence[str]): Theirs."""
        its_docs = [docs[i] for i in hits.docs.tolist()]
        firsts = map(Doc.__getitem__, its_docs, hits.starts.tolist())
        lasts = map(Doc.__getitem__, its_docs, (hits.ends - 1).tolist())
        groups = [self.search.meaning.groups[i] for i in hits.groups.tolist()]
        columns = (
            [token.idx for token in firsts],
            [token.idx + len(token) for token in lasts],
            [group.label for group in groups],
            [group.kind for group in groups],
            self.search.weights(hits).tolist(),
            [group.name for group in groups],
            ids,
        )
        return list(zip(*columns, strict=True))

    def _entities(self, hits: BatchHits, labels: Sequence[str]) -> Entities:
        """Hits as entities, those of all Docs together."""
        index = {label: i for i, label in enumerate(labels)}
        meaning = self.search.meaning
        numbers = np.array([index.get(name, -1) for name in meaning.label_names], dtype=np.int64)
        own = numbers[meaning.labels[hits.groups]] if len(hits) else hits.groups
        return Entities(hits.starts, hits.ends, own, np.full(len(hits), np.nan))


def _slices(edges: np.ndarray) -> Iterator[slice]:
    """The slices between edges that follow each other. edges: (n + 1,) int64."""
    return starmap(slice, pairwise(edges.tolist()))


def _same(hits: BatchHits, labels: np.ndarray, choice: HitChoice) -> np.ndarray:
    """(n_losers,) bool, whether hits that lost have the span and the label of those that won."""
    columns = (hits.starts, hits.ends, labels)
    lost, won = choice.losers, choice.winners
    return np.asarray(np.logical_and.reduce([column[lost] == column[won] for column in columns]))
