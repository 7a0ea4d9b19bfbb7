"""How each surface form of an entity is annotated, wherever it stands."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from ...annotation.surface_forms import ENTITY, UNLABELLED, SurfaceForms, find_places
from .marked_text import MarkedText


def count_forms(texts: Sequence[MarkedText]) -> dict[str, Counter[str | None]]:
    """Entities by surface form and type, and under None what is in no entity.

    Of places that are partly in an entity, or of which not all is known, there is no count; nor of
    such within longer forms that are in no entity.
    """
    forms = SurfaceForms(
        text.spelt[entity.start : entity.end] for text in texts for entity in text.entities
    )
    counts: dict[str, Counter[str | None]] = defaultdict(Counter)
    for text in texts:
        is_missing = [text.labels is not None or i in text.missing for i in range(len(text.starts))]
        for place in find_places(text.spelt, text.entities, is_missing, forms):
            if place.kind in (ENTITY, UNLABELLED):
                counts[text.surface(place.start, place.end)][place.label] += 1
    return counts
