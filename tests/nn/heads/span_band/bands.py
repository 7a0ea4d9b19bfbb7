"""Small bands, and a slow, obvious way to score them: each document by itself, span by span."""

from itertools import pairwise

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from spacy_ner_plus.nn.heads.span_band import BandLayout, BandSizes, GoldSpans, SpanBandHead
from spacy_ner_plus.nn.heads.span_band.band_cells import AdditiveTerms

INF = float("inf")
WIDTH = 5
lengths_of_docs = st.lists(st.integers(0, 7), max_size=4)


def make_head(
    max_width: int,
    *,
    n_labels: int = 2,
    n_blocks: int = 0,
    max_rows: int = 1024,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> SpanBandHead:
    """A head with random weights, none of which is small."""
    sizes = BandSizes(
        width=WIDTH,
        n_labels=n_labels,
        max_width=max_width,
        hidden_width=4,
        n_blocks=n_blocks,
        channels=3,
    )
    head = SpanBandHead(sizes, dropout=0.0, max_rows=max_rows).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=0.5, generator=generator)
    return head


def make_vectors(n_rows: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_rows, WIDTH, generator=generator, dtype=dtype)


def score(head: SpanBandHead, vectors: Tensor, lengths: list[int]) -> Tensor:
    """The logits of a batch, (n_rows, max_width, n_labels)."""
    layout = BandLayout(lengths, head.sizes.max_width)
    return head(head.read_tokens(vectors), layout)


def split(rows: Tensor, lengths: list[int]) -> list[Tensor]:
    """The rows of each document."""
    bounds = np.cumsum([0, *lengths]).tolist()
    return [rows[start:stop] for start, stop in pairwise(bounds)]


def naive_logits(head: SpanBandHead, vectors: Tensor, lengths: list[int]) -> Tensor:
    """(n_rows, max_width, n_labels), each span of each document by itself."""
    shape = (len(vectors), head.sizes.max_width, head.sizes.n_labels)
    logits = vectors.new_full(shape, -INF)
    first = 0
    for doc in split(vectors, lengths):
        table = _naive_table(head, doc)  # (length, length, n_labels)
        for start, end in _spans(len(doc), head.sizes.max_width):
            logits[first + start, end - start] = table[start, end]
        first += len(doc)
    return logits


def _spans(length: int, max_width: int) -> list[tuple[int, int]]:
    """First and last token of all spans."""
    pairs = [(start, end) for start in range(length) for end in range(start, length)]
    return [(start, end) for start, end in pairs if end - start < max_width]


def _naive_table(head: SpanBandHead, doc: Tensor) -> Tensor:
    """The logits by first and last token, 0 for what is no span, (length, length, n_labels)."""
    length, n_labels = len(doc), head.sizes.n_labels
    hidden = functional.gelu(head.tokens.linear(doc)).split(head.sizes.hidden_width, dim=1)
    products = doc.new_zeros(length, length, n_labels)
    table = doc.new_zeros(length, length, n_labels)
    is_span = torch.zeros(length, length, 1, dtype=torch.bool)
    for start, end in _spans(length, head.sizes.max_width):
        is_span[start, end] = True
        for label in range(n_labels):
            weight = head.biaffine.weight[label]
            products[start, end, label] = hidden[1][end] @ weight @ hidden[0][start]
        terms = _naive_terms(head.terms, hidden, start, end)
        table[start, end] = products[start, end] + terms + head.bias
    if head.cells is not None and length:
        cells = doc.new_zeros(length, length, head.sizes.channels)
        for start, end in _spans(length, head.sizes.max_width):
            cells[start, end] = _naive_terms(head.cells, hidden, start, end)
        table = table + _naive_convolution(head, cells, products, is_span)
    return table


def _naive_terms(terms: AdditiveTerms, hidden: tuple[Tensor, ...], start: int, end: int) -> Tensor:
    mean = hidden[2][start : end + 1].mean(0)
    linear = terms.start(hidden[0][start]) + terms.end(hidden[1][end]) + terms.content(mean)
    return linear + terms.widths[end - start]


def _naive_convolution(
    head: SpanBandHead, cells: Tensor, products: Tensor, is_span: Tensor
) -> Tensor:
    """With torch's own convolution over the whole square of starts and ends."""
    convolution = head.convolution
    hidden = cells + convolution.from_scores(products)  # (length, length, channels)
    for block in convolution.blocks:
        inputs = functional.gelu(block.norm(hidden)) * is_span
        kernel = block.weight.permute(2, 3, 0, 1)  # (to, from, 3, 3)
        image = inputs.permute(2, 0, 1).unsqueeze(0)  # (1, channels, length, length)
        hidden = hidden + functional.conv2d(image, kernel, block.bias, padding=1)[0].permute(
            1, 2, 0
        )
    return convolution.to_scores(functional.gelu(convolution.norm(hidden)))


def gold_spans(spans: list[tuple[int, int, int, int]]) -> GoldSpans:
    """spans: Of document, start, end (exclusive) and label."""
    columns = np.array(spans, dtype=np.int64).reshape(-1, 4).T
    return GoldSpans(*columns)


@st.composite
def gold_of(draw: st.DrawFn, lengths: list[int], n_labels: int = 2) -> GoldSpans:
    """Some spans of documents, of any width, maybe repeated."""
    pairs = [
        (doc, start, end)
        for doc, length in enumerate(lengths)
        for start in range(length)
        for end in range(start + 1, length + 1)
    ]
    if not pairs:
        return gold_spans([])
    chosen = draw(st.lists(st.tuples(st.sampled_from(pairs), st.integers(0, n_labels - 1))))
    return gold_spans([(*pair, label) for pair, label in chosen])


def random_known(layout: BandLayout, n_labels: int, seed: int, share: float = 0.7) -> Tensor:
    """Some of the spans' labels, (n_rows, max_width, n_labels) bool."""
    generator = torch.Generator().manual_seed(seed)
    shape = (layout.n_rows, layout.max_width, n_labels)
    return (torch.rand(shape, generator=generator) < share) & layout.is_span().unsqueeze(2)
