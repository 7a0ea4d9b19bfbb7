"""Annotated spans on the rows of a model."""

from collections.abc import Sequence

import numpy as np
from spacy.training import Example

from ...annotation.gold import (
    annotated_labels,
    check_annotated_labels,
    check_known_labels,
    spans_on_rows,
)
from ...annotation.incorrect_spans import incorrect_rows
from ...annotation.nested_gold import GoldSources, nested_gold
from ...models.decoding.row_gold import RowGold


def read_gold(
    example: Example,
    row_tokens: np.ndarray,
    labels: Sequence[str],
    sources: GoldSources,
    incorrect_spans_key: str | None = None,
) -> RowGold:
    """What the reference of an Example says of the rows of the predicted Doc.

    row_tokens: (n_rows,) int64, the predicted tokens that have a row, ascending. Spans that start
        or end on others (whitespace) are moved inwards; one that lies wholly on them is left out,
        with a message in the log.
    labels (Sequence[str]): Those of the model.
    sources (GoldSources): Where the annotation is.
    incorrect_spans_key (str): Where spans are that are known to be wrong; None for nowhere. Those
        of other labels are left out.
    RAISES ValueError: If a span's label is not among the labels, or not among those that the
        document is annotated for; or if one that is known to be wrong is annotated.
    """
    reference = example.reference
    gold = nested_gold(example, sources)
    check_known_labels(reference, labels, [*gold.spans, *(one.entity for one in gold.lost)])
    label_ids = {label: i for i, label in enumerate(labels)}
    known = np.repeat(gold.known[row_tokens][:, None], len(labels), axis=1)  # (n_rows, n_labels)
    annotated = annotated_labels(reference)
    if annotated is not None:
        check_annotated_labels({span.label_ for span in gold.spans}, annotated, reference)
        known[:, [i for label, i in label_ids.items() if label not in annotated]] = False
    for lost, tokens in zip(gold.lost, gold.lost_tokens, strict=True):
        known[np.isin(row_tokens, tokens), label_ids[lost.entity.label_]] = False
    placed = spans_on_rows(gold.spans, row_tokens)
    rows = [(start, end, label_ids[label]) for start, end, label in placed]
    starts, ends, ids = np.array(rows, dtype=np.int64).reshape(-1, 3).T  # (n_spans,) each
    incorrect = incorrect_rows(example, incorrect_spans_key, row_tokens, placed)
    wrong = [
        (start, end, label_ids[label]) for start, end, label in incorrect if label in label_ids
    ]
    return RowGold(starts, ends, ids, known, np.array(wrong, dtype=np.int64).reshape(-1, 3))


def word_tokens(example: Example) -> np.ndarray:
    """The tokens of the predicted Doc that will have a row, (n_words,) int64.

    It is known before there is a model; one with wordpieces may have no row for a few more.
    """
    return np.flatnonzero(example.predicted.to_array("IS_SPACE").reshape(-1) == 0)
