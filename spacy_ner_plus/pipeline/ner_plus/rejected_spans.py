"""Spans that are known to be wrong, as the tagger's loss takes them."""

from collections.abc import Sequence

import numpy as np
import torch
from spacy.training import Example

from ...annotation.incorrect_spans import incorrect_rows
from ...models.decoding.rejected import rejected_factors
from ...nn.crf import SpanFactors
from ...tags import TagScheme


def read_rejected(
    examples: Sequence[Example],
    key: str | None,
    row_tokens: Sequence[np.ndarray],
    allowed: Sequence[np.ndarray],
    scheme: TagScheme,
    device: torch.device = torch.device("cpu"),  # noqa: B008 (it does not change)
) -> SpanFactors | None:
    """What is known to be wrong, of types that the model has, where the annotation leaves it open.

    key (str): Where it is in doc.spans of the references; None for nowhere.
    row_tokens: For each Doc (n_rows_of_doc,) int64, the tokens that take part in tagging.
    allowed: For each Doc (n_rows_of_doc, n_tags) bool, the tags that the annotation permits.
    RETURNS (SpanFactors): None if there is none.
    RAISES ValueError: See incorrect_rows.
    """
    ids = {label: i for i, label in enumerate(scheme.labels)}
    spans = []
    for example, tokens in zip(examples, row_tokens, strict=True):
        found = incorrect_rows(example, key, tokens)
        rows = [(start, end, ids[label]) for start, end, label in found if label in ids]
        spans.append(np.array(rows, dtype=np.int64).reshape(-1, 3))
    return rejected_factors(spans, allowed, scheme, device)
