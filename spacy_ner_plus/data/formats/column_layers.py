"""Columns of tags as layers of entities that nest, as in GermEval 2014."""

from collections.abc import Iterable, Sequence

from .column_tags import TagError, read_tags

# As many entities of a layer are within longer ones of another: some may be wrong.
_MOST = 0.95


def are_layers(sentences: Iterable[Sequence[Sequence[str]]], scheme: str) -> bool:
    """Whether each column but one has entities within those of the columns before or behind it.

    No two columns have the same entity with the same label, and seldom the same with another: then
    they would be two annotations of the same, such as a correct one and one that was predicted.

    sentences: The tags of each column, for each sentence. A sentence whose tags are broken does not
        count.
    """
    forward, backward = [0, 0], [0, 0]
    for columns in sentences:
        try:
            layers = [read_tags(column, scheme) for column in columns]
        except TagError:
            continue
        spans = [span for layer in layers for span in layer]
        if len(set(spans)) < len(spans):
            return False
        for totals, ordered in ((forward, layers), (backward, layers[::-1])):
            n_inside, n_spans = _n_inside(ordered)
            totals[0] += n_inside
            totals[1] += n_spans
    return any(n_inside >= _MOST * n_spans for n_inside, n_spans in (forward, backward))


def _n_inside(layers: Sequence[Sequence[tuple[int, int, str]]]) -> tuple[int, int]:
    """Of the entities in all but the first layer, how many are in a longer one before, and all."""
    n_inside = n_spans = 0
    for i, layer in enumerate(layers[1:], start=1):
        outer = [span for before in layers[:i] for span in before]
        for start, end, _ in layer:
            n_spans += 1
            n_inside += any(
                first <= start and end <= last and end - start < last - first
                for first, last, _ in outer
            )
    return n_inside, n_spans
