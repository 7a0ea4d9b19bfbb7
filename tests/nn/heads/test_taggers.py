from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from spacy_ner_plus.nn.crf import CRF, TagDecoder
from spacy_ner_plus.nn.encoders.buckets import TensorBucket
from spacy_ner_plus.nn.heads.tag_head import TagHead
from spacy_ner_plus.nn.heads.taggers import TransformerTagger

N_TAGS, WIDTH, N_IDS = 3, 4, 20
MASKS = (
    torch.ones(N_TAGS, dtype=torch.bool),
    torch.ones(N_TAGS, N_TAGS, dtype=torch.bool),
    torch.ones(N_TAGS, dtype=torch.bool),
)


class Lookup(nn.Module):
    """In place of an encoder: each piece's vector depends on its id and its form alone."""

    width = WIDTH

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.ids = nn.Embedding(N_IDS, WIDTH)
        self.forms = nn.Embedding(5, WIDTH)

    def forward(
        self, ids: Tensor, mask: Tensor, forms: Tensor, characters: Tensor | None = None
    ) -> Tensor:
        return (self.ids(ids) + self.forms(forms)) * mask.unsqueeze(-1)


def make_tagger(pooling: str, *, dropout: float = 0.0) -> TransformerTagger:
    head = TagHead(WIDTH, CRF(*MASKS), dropout=dropout)
    nn.init.normal_(head.linear.bias)
    return TransformerTagger(Lookup(), head, pooling=pooling).eval()


def make_buckets(pooling: str) -> list[TensorBucket]:
    """Rows 0 to 3: row 0 in the second bucket, row 2 split over both, row 3 twice in one."""
    first = TensorBucket(
        ids=torch.tensor([[1, 2, 3, 4], [5, 6, 7, 0]]),
        mask=torch.tensor([[True] * 4, [True] * 3 + [False]]),
        forms=torch.tensor([[1, 1, 2, 0], [3, 3, 4, 0]]),
        positions=torch.tensor([0, 1, 2, 5, 6]),
        parts=torch.tensor([0, 0, 1, 2, 2]),
        part_rows=torch.tensor([1, 2, 3]),
        part_weights=torch.tensor([1.0, 0.25, 1.0]),
    )
    second = TensorBucket(
        ids=torch.tensor([[8, 9, 10, 11]]),
        mask=torch.ones(1, 4, dtype=torch.bool),
        forms=torch.zeros(1, 4, dtype=torch.int64),
        positions=torch.tensor([0, 1, 2, 3]),
        parts=torch.tensor([0, 1, 1, 1]),
        part_rows=torch.tensor([0, 2]),
        part_weights=torch.tensor([1.0, 0.75]),
    )
    buckets = [first, second]
    if pooling in ("first", "last"):
        buckets = [keep_edges(bucket, pooling) for bucket in buckets]
    return buckets


def keep_edges(bucket: TensorBucket, pooling: str) -> TensorBucket:
    at = [torch.nonzero(bucket.parts == part).flatten() for part in bucket.parts.unique()]
    kept = torch.stack([found[0 if pooling == "first" else -1] for found in at])
    return replace(bucket, positions=bucket.positions[kept], parts=bucket.parts[kept])


REDUCE = {
    "first": lambda rows: rows[0],
    "last": lambda rows: rows[-1],
    "mean": lambda rows: rows.mean(0),
    "max": lambda rows: rows.amax(0),
}


@pytest.mark.parametrize("pooling", REDUCE)
def test_tagger_emissions_equal_those_of_each_row_by_itself(pooling: str) -> None:
    tagger = make_tagger(pooling)

    def emissions_of(ids: list[int], forms: list[int]) -> Tensor:
        vectors = tagger.encoder.ids.weight[ids] + tagger.encoder.forms.weight[forms]
        return tagger.head.linear(REDUCE[pooling](vectors))

    expected = torch.stack(
        [
            emissions_of([8], [0]),
            emissions_of([1, 2], [1, 1]),
            0.25 * emissions_of([3], [2]) + 0.75 * emissions_of([9, 10, 11], [0, 0, 0]),
            emissions_of([6, 7], [3, 4]),
        ]
    )
    emissions = tagger(make_buckets(pooling), 4)
    assert emissions.shape == (4, N_TAGS)
    torch.testing.assert_close(emissions, expected)


def test_tagger_mean_of_a_split_token_is_that_of_all_its_pieces() -> None:
    tagger = make_tagger("mean")
    vectors = tagger.encoder.ids.weight[[3, 9, 10, 11]]
    forms = tagger.encoder.forms.weight[[2, 0, 0, 0]]
    expected = tagger.head.linear((vectors + forms).mean(0))
    torch.testing.assert_close(tagger(make_buckets("mean"), 4)[2], expected)


def test_tagger_does_not_depend_on_the_order_of_buckets() -> None:
    tagger = make_tagger("max")
    buckets = make_buckets("max")
    torch.testing.assert_close(tagger(buckets, 4), tagger(buckets[::-1], 4))


def test_tagger_of_no_windows_gives_no_rows() -> None:
    assert make_tagger("first")([], 0).shape == (0, N_TAGS)


@pytest.mark.parametrize("pooling", REDUCE)
def test_tagger_gradient_reaches_encoder_and_head(pooling: str) -> None:
    tagger = make_tagger(pooling)
    tagger(make_buckets(pooling), 4).square().sum().backward()
    used = tagger.encoder.ids.weight.grad.abs().sum(1) > 0
    expected = {
        "first": [1, 3, 6, 8, 9],
        "last": [2, 3, 7, 8, 11],
        "mean": [1, 2, 3, 6, 7, 8, 9, 10, 11],
    }
    if pooling in expected:
        assert torch.nonzero(used).flatten().tolist() == expected[pooling]
    assert used.any()
    assert tagger.head.linear.weight.grad.abs().sum() > 0


def test_tagger_drops_in_training_only() -> None:
    tagger = make_tagger("mean", dropout=0.5)
    buckets = make_buckets("mean")
    torch.testing.assert_close(tagger(buckets, 4), tagger(buckets, 4), rtol=0, atol=0)
    torch.manual_seed(0)
    tagger.train()
    assert not torch.equal(tagger(buckets, 4), tagger(buckets, 4))


def test_head_works_in_full_precision_under_autocast() -> None:
    torch.manual_seed(0)
    head = TagHead(WIDTH, TagDecoder(*MASKS), dropout=0.0)
    vectors = torch.randn(50, WIDTH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        emissions = head(vectors)
    assert emissions.dtype == torch.float32
    torch.testing.assert_close(emissions, head(vectors), rtol=0, atol=0)
    assert head(vectors.bfloat16()).dtype == torch.float32


def test_head_starts_near_zero() -> None:
    """So that at first all tags are about equally likely."""
    head = TagHead(384, TagDecoder(*MASKS), dropout=0.0)
    assert (head.linear.bias == 0).all()
    assert 0.01 < head.linear.weight.std().item() < 0.03
