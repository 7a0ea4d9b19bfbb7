"""How each surface form of an entity is annotated, wherever it stands."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from .marked_text import MarkedText


def count_forms(texts: Sequence[MarkedText]) -> dict[str, Counter[str | None]]:
    """Entities by surface form and type, and under None what is in no entity.

    Of places that are partly in an entity, or of which not all is known, there is no count.
    """
    counts: dict[str, Counter[str | None]] = defaultdict(Counter)
    # by the first token, the lengths in tokens that forms have
    lengths: dict[str, set[int]] = defaultdict(set)
    for text in texts:
        for entity in text.entities:
            counts[text.form(entity)][entity.label] += 1
            lengths[text.surface(entity.start, entity.start + 1)].add(entity.end - entity.start)
    for text in texts:
        if text.labels is not None:
            continue
        for word, starts in text.places.items():
            for start in starts:
                for n in lengths.get(word, ()):
                    _count_unmarked(text, start, start + n, counts)
    return counts


def _count_unmarked(
    text: MarkedText, start: int, end: int, counts: dict[str, Counter[str | None]]
) -> None:
    if end > len(text.starts) or any(i in text.owners for i in range(start, end)):
        return
    form = text.surface(start, end)
    if form in counts and text.is_free((start, end), (start, end)):
        counts[form][None] += 1
