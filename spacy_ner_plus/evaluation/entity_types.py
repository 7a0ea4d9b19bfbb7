"""The entity types of both sides: which are compared, and which only one side has."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from spacy.language import Language

from ..annotation.entity_source import DOC_ENTS, EntitySource
from ..pipeline.entity_sources import source_of_component
from .documents import Document, distinct
from .label_choice import LabelChoice
from .schema import EntityTypes, SideCounts


def labels_of(nlp: Language | None, source: EntitySource = DOC_ENTS) -> set[str]:
    """The types that the components of a pipeline tell which may set entities or spans.

    nlp (Language): None for predictions that were read.
    source (EntitySource): Where the entities are. If a component says that its nested ones are
        there, its types are all; those of components with nested ones elsewhere are left out.
    """
    if nlp is None:
        return set()
    nested = {
        name: its for name, pipe in nlp.pipeline if (its := source_of_component(pipe)).may_nest
    }
    told = {
        name: labels
        for name, labels in nlp.pipe_labels.items()
        if _may_find(nlp.get_pipe_meta(name).assigns) and nested.get(name, source) == source
    }
    own = {name: labels for name, labels in told.items() if name in nested} or told
    return {label for labels in own.values() for label in labels}


def _may_find(assigns: Iterable[str]) -> bool:
    """Whether a component that says what it sets, or says nothing, sets entities or spans."""
    said = list(assigns)
    return not said or any(one.startswith(("doc.ents", "doc.spans", "token.ent")) for one in said)


def entity_types(
    documents: Iterable[Document], choice: LabelChoice, known: Collection[str] = ()
) -> EntityTypes:
    """What there is to say of the types of some documents, before the choice is applied.

    known (Collection[str]): Types that the pipeline tells, see labels_of; if it tells none, it has
        those that it predicts.
    RAISES ValueError: If no entity is of a type that counts, but some are of others.
    """
    both = _Both(documents)
    if both.labels:
        choice.check(both.gold, both.predicted)
    gold, predicted = both.of_counting(choice)
    can_find = choice.names(known) | predicted.keys()
    names = {*gold, *predicted}
    return EntityTypes(
        labels=None if choice.labels is None else list(choice.labels),
        label_map=dict(choice.label_map),
        shared=sorted(gold.keys() & can_find),
        gold_only={label: n for label, n in sorted(gold.items()) if label not in can_find},
        predicted_only={label: n for label, n in sorted(predicted.items()) if label not in gold},
        renamed=both.counts(old for old, new in choice.label_map.items() if new),
        left_out=both.counts(label for label in both.labels if not choice.counts(label)),
        unused=[
            *(label for label in choice.labels or () if label not in names),
            *(old for old in choice.label_map if old not in both.labels),
        ],
    )


class _Both:
    """Entities by their type: gold ones, and predicted ones that can be judged."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.gold, self.predicted = Counter[str](), Counter[str]()
        for document in documents:
            self.gold.update(entity.label for entity in document.gold)
            self.predicted.update(entity.label for entity in document.predicted)

    @property
    def labels(self) -> list[str]:
        """All types that occur."""
        return sorted({*self.gold, *self.predicted})

    def of_counting(self, choice: LabelChoice) -> tuple[Counter[str], Counter[str]]:
        """The numbers of either side by new names, of types that count."""
        sums = Counter[str](), Counter[str]()
        for label in filter(choice.counts, self.labels):
            for side, its in zip(sums, (self.gold, self.predicted), strict=True):
                if its[label]:
                    side[choice.name(label)] += its[label]
        return sums

    def counts(self, labels: Iterable[str]) -> dict[str, SideCounts]:
        return {label: SideCounts(self.gold[label], self.predicted[label]) for label in labels}


def chosen(documents: Sequence[Document], choice: LabelChoice) -> list[Document]:
    """The documents with the entities that count, by their new names."""
    if choice == LabelChoice():
        return list(documents)
    return [_chosen_of(document, choice) for document in documents]


def own_labels(labels: Iterable[str], choice: LabelChoice) -> Mapping[str, list[str]]:
    """A pipeline's own names of its types, by the new ones.

    labels (Iterable[str]): The own ones.
    """
    own: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        own.setdefault(choice.name(label), []).append(label)
    return own


def _chosen_of(document: Document, choice: LabelChoice) -> Document:
    gold, predicted, not_judged, gold_not_judged = (
        [
            replace(entity, label=choice.name(entity.label))
            for entity in side
            if choice.counts(entity.label)
        ]
        for side in (
            document.gold,
            document.predicted,
            document.not_judged,
            document.gold_not_judged,
        )
    )
    # a span of several types may have the same one by its new names
    found = replace(
        document,
        gold=distinct(gold),
        predicted=distinct(predicted),
        not_judged=distinct(not_judged),
        gold_not_judged=distinct(gold_not_judged),
    )
    n_given = len(gold) + len(predicted) + len(not_judged) + len(gold_not_judged)
    return replace(found, n_repeated=document.n_repeated + n_given - found.n_entities)
