"""What entities of a type are like: how often, how long, which forms, usual and rare ones."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .marked_text import MarkedEntity, MarkedText

Place = tuple[int, MarkedEntity]
"""The number of a text, and an entity in it."""


@dataclass
class LabelProfile:
    """The entities of a type.

    label (str): The type.
    n_texts (int): Texts with any.
    lengths (Counter[int]): How many have so many tokens.
    forms (Dict[str, List[Place]]): Where each surface form is.
    touching (int): Those that follow directly on another one of this type.
    within (Counter[str]): Those within entities of other types, or of this one, by that type.
    """

    label: str
    n_texts: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    forms: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    touching: int = 0
    within: Counter[str] = field(default_factory=Counter)

    @property
    def n_entities(self) -> int:
        """Of this type."""
        return self.lengths.total()

    @property
    def once(self) -> list[str]:
        """Forms that there is one of."""
        return sorted(form for form, places in self.forms.items() if len(places) == 1)

    def typical(self, most: int) -> list[str]:
        """The most frequent forms, of those that there are several of."""
        ranked = sorted(self.forms, key=lambda form: (-len(self.forms[form]), form))
        return [form for form in ranked[:most] if len(self.forms[form]) > 1]

    def rare(self, most: int) -> list[str]:
        """Forms that share no word with any other, evenly from the shortest to the longest.

        Of them typical ones show least.
        """
        words = Counter(word for form in self.forms for word in set(form.casefold().split()))
        alone = [form for form in self.once if all(words[w] == 1 for w in form.casefold().split())]
        alone.sort(key=lambda form: (len(form), form))
        n = min(most, len(alone))
        return [alone[(2 * i + 1) * len(alone) // (2 * n)] for i in range(n)]

    def longest(self) -> Place | None:
        """One of the most tokens; the first of them."""
        places = (place for found in self.forms.values() for place in found)
        return max(places, key=lambda at: (at[1].end - at[1].start, -at[0]), default=None)


def profiles(texts: Sequence[MarkedText]) -> dict[str, LabelProfile]:
    """Of each type, sorted by how many entities there are."""
    made: dict[str, LabelProfile] = {}
    for number, text in enumerate(texts):
        for label in {entity.label for entity in text.entities}:
            made.setdefault(label, LabelProfile(label)).n_texts += 1
        ends = {(entity.end, entity.label) for entity in text.entities}
        for entity in text.entities:
            profile = made[entity.label]
            profile.lengths[entity.end - entity.start] += 1
            profile.forms[text.form(entity)].append((number, entity))
            profile.touching += (entity.start, entity.label) in ends
            profile.within.update(set(_labels_around(text, entity)))
    return dict(sorted(made.items(), key=lambda item: (-item[1].n_entities, item[0])))


def _labels_around(text: MarkedText, entity: MarkedEntity) -> Iterator[str]:
    for owner in text.owners[entity.start]:
        if owner.end - owner.start > entity.end - entity.start and owner.end >= entity.end:
            yield owner.label
