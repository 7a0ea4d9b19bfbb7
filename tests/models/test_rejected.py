"""Spans that are known to be wrong in the losses of all models, against what they state."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.models.decoding.band_decoder import BandDecoder
from spacy_ner_plus.models.decoding.chain_decoder import ChainDecoder
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import make_decoder
from spacy_ner_plus.models.decoding.losses import (
    loss_and_gradient,
    span_score_gradient,
    tag_log_weights,
)
from spacy_ner_plus.models.decoding.rejected import count_known, rejected_factors
from spacy_ner_plus.models.decoding.row_features import RowFeatures
from spacy_ner_plus.models.decoding.row_gold import RowGold
from spacy_ner_plus.models.decoding.span_decoder import HeadShape, SpanLearning
from spacy_ner_plus.models.decoding.span_heads import DECODERS
from spacy_ner_plus.models.decoding.span_losses import span_gradient
from spacy_ner_plus.models.decoding.span_settings import SpanHeadSettings
from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.nn.crf import CRF, Layout, SpanFactors, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.oracles import valid_paths

BIO = TagScheme("BIO", ["X", "Y"])
BILOU = TagScheme("BILOU", ["X"])
CPU = torch.device("cpu")
Row = tuple[int, int, int]


def as_rows(spans: list[Row]) -> np.ndarray:
    return np.array(spans, dtype=np.int64).reshape(-1, 3)


def tags_of(scheme: TagScheme, tags: str) -> np.ndarray:
    """The allowed tags of a row of tags, - for all."""
    allowed = np.ones((len(tags.split()), scheme.n_tags), dtype=bool)
    for row, tag in enumerate(tags.split()):
        if tag != "-":
            allowed[row] = np.array(scheme.tags) == tag
    return allowed


# What is left of them


def test_spans_that_the_annotation_leaves_no_room_for_are_left_out() -> None:
    """So a document that is annotated completely takes no more time than without."""
    allowed = [tags_of(BIO, "O - B-X I-X -"), tags_of(BIO, "B-X O O"), tags_of(BIO, "- -")]
    spans = [
        as_rows([(0, 2, 0), (1, 2, 1), (2, 4, 1), (2, 5, 0), (1, 3, 0), (4, 5, 0)]),
        as_rows([(0, 2, 0), (1, 2, 0)]),
        as_rows([(0, 2, 0)]),
    ]
    factors = rejected_factors(spans, allowed, BIO, CPU)
    assert factors is not None
    places = np.stack([factors.sequences, factors.starts, factors.ends, factors.labels], axis=1)
    assert places.tolist() == [[0, 1, 2, 1], [0, 2, 5, 0], [0, 4, 5, 0], [2, 0, 2, 0]]
    assert factors.are_rejected.all() and not factors.scores.any()
    assert rejected_factors(spans[1:2], allowed[1:2], BIO, CPU) is None


def test_rows_that_something_is_known_of_are_counted_once() -> None:
    allowed = [tags_of(BIO, "O - - - -"), tags_of(BIO, "- - -")]
    spans = [as_rows([(1, 3, 0), (2, 4, 0)]), as_rows([])]
    factors = rejected_factors(spans, allowed, BIO, CPU)
    assert count_known(allowed, factors) == 4
    assert count_known(allowed, None) == 1


# The tagger


def stated_loss(
    decoder: TagDecoder,
    scheme: TagScheme,
    scores: Tensor,
    allowed: np.ndarray,
    rejected: list[Row],
    log_weights: np.ndarray,
    smoothing: float,
) -> Tensor:
    """Among valid paths, as with a CRF: what any document has with something rejected."""
    n_rows = len(scores)
    every, agreeing, paths = [], [], valid_paths(scheme, n_rows)
    for path in paths:
        score = (scores[range(n_rows), path] - torch.tensor(log_weights[list(path)])).sum()
        if isinstance(decoder, CRF):
            steps = decoder.transition[list(path[:-1]), list(path[1:])].sum()
            score = score + decoder.start[path[0]] + decoder.end[path[-1]] + steps
        every.append(score)
        columns = scheme.decode(np.array(path))
        spans = set(zip(*(column.tolist() for column in columns), strict=True))
        if allowed[range(n_rows), path].all() and spans.isdisjoint(rejected):
            agreeing.append(score)
    loss = torch.stack(every).logsumexp(0) - torch.stack(agreeing).logsumexp(0)
    for row in range(n_rows):
        if allowed[row].sum() == 1:
            possible = sorted({path[row] for path in paths})
            gap = scores[row, allowed[row].argmax()] - scores[row, possible].mean()
            loss = loss + smoothing * gap
    return loss


@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@pytest.mark.parametrize("scheme", [BIO, BILOU], ids=["BIO", "BILOU"])
@settings(deadline=None, max_examples=8)
@given(st.integers(0, 9999), st.sampled_from([0.0, 0.2]))
def test_loss_with_weights_and_smoothing_is_as_stated(
    scheme: TagScheme, use_crf: bool, seed: int, smoothing: float
) -> None:
    """With a document of which only wrong spans are known, one with gold, too, and one without."""
    generator = torch.Generator().manual_seed(seed)
    decoder = make_decoder(scheme, use_crf=use_crf).double()
    for parameter in decoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    gold = "B-X I-X - O" if scheme is BIO else "U-X - - O"
    allowed = [tags_of(scheme, "- - - -"), tags_of(scheme, gold), tags_of(scheme, "O - O")]
    rejected: list[list[Row]] = [[(0, 2, 0), (0, 3, 0), (1, 2, 0), (1, 4, 0)], [(2, 3, 0)], []]
    scores = torch.randn(11, scheme.n_tags, generator=generator, dtype=torch.float64)
    factors = rejected_factors(list(map(as_rows, rejected)), allowed, scheme, CPU)
    emissions = Emissions(scores, [np.arange(n) for n in (4, 4, 3)], factors)
    log_weights = tag_log_weights(scheme, {"X": 3.0})
    losses, gradient = loss_and_gradient(
        decoder, emissions, allowed, log_weights=log_weights, smoothing=smoothing
    )
    leaf = scores.clone().requires_grad_()
    wanted = [
        stated_loss(decoder, scheme, own, tags, spans, log_weights, smoothing)
        for own, tags, spans in zip(leaf[:8].split(4), allowed[:2], rejected[:2], strict=True)
    ]
    plain, _ = loss_and_gradient(
        decoder,
        Emissions(scores[8:], [np.arange(3)]),
        allowed[2:],
        log_weights=log_weights,
        smoothing=smoothing,
    )
    expected = [*(one.item() for one in wanted), plain[0]]
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-9)
    [own] = torch.autograd.grad(torch.stack(wanted).sum() / count_known(allowed, factors), [leaf])
    torch.testing.assert_close(gradient[:8], own[:8], rtol=0, atol=1e-9)


def test_scores_of_spans_learn_beside_rejected_ones() -> None:
    """A hit of a rule on a span that is known to be wrong, and one on another: by differences."""
    generator = torch.Generator().manual_seed(0)
    decoder = make_decoder(BIO, use_crf=True).double()
    emissions = torch.randn(6, BIO.n_tags, generator=generator, dtype=torch.float64)
    allowed = [np.ones((6, BIO.n_tags), dtype=bool)]
    rejected = SpanFactors.of_rejected(BIO, np.array([[0, 1, 3, 0], [0, 2, 5, 0]]))
    columns = np.array([(0, 1, 3, 0), (0, 1, 4, 0)]).T

    def factors(scores: Tensor) -> SpanFactors:
        return SpanFactors(BIO, *columns, scores).and_others(rejected)

    def loss(scores: Tensor) -> float:
        permitted = torch.from_numpy(allowed[0])
        losses = decoder.loss(emissions, Layout([6]), permitted, spans=factors(scores))
        return float(losses.sum())

    scores = torch.tensor([0.5, -1.0], dtype=torch.float64)
    found = span_score_gradient(
        decoder, Emissions(emissions, [np.arange(6)], factors(scores)), allowed
    )[:2]
    for i in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[i] = 1e-5
        assert found[i] == pytest.approx((loss(scores + step) - loss(scores - step)) / 2e-5)
    assert found[0] > abs(found[1])


# Heads of spans

LABELS = ("A", "B")
PLAN = ChainPlan.of_levels([(["A"], 2), (["B"], 1)])
LAYERS = ChainPlan.of_levels([(["A", "B"], 2)])


def make_head(head: str, plan: ChainPlan | None = PLAN) -> Any:
    torch.manual_seed(0)
    options = SpanHeadSettings(head=head, max_width=2, hidden_width=3)
    shape = HeadShape(settings=options, width=4, labels=LABELS, chains=plan, dropout=0.0)
    decoder = DECODERS[head]
    made = decoder.make_head(shape).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return decoder(made, LABELS)


def make_rows(decoder: Any) -> RowFeatures:
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    rows = decoder.head.read_tokens(vectors).detach()
    return RowFeatures(rows, [np.arange(4), np.arange(2)])


def unknown(n_rows: int, rejected: list[Row]) -> RowGold:
    nothing = np.zeros(0, dtype=np.int64)
    known = np.zeros((n_rows, 2), dtype=bool)
    return RowGold(nothing, nothing, nothing, known, as_rows(rejected))


@pytest.mark.parametrize("plan", [PLAN, LAYERS], ids=["levels", "layers"])
def test_chains_lose_the_log_of_how_improbable_it_is_that_no_level_has_the_span(
    plan: ChainPlan,
) -> None:
    """Of one span alone: -log(1 - P), with the P over all levels with which spans are found."""
    decoder: ChainDecoder = make_head("crf_per_label", plan)
    rows = make_rows(decoder)
    lattice = decoder.head.crfs.span_lattice(rows.features, Layout([4, 2]))
    for span in [(0, 2, 0), (1, 2, 1), (1, 4, 0), (3, 4, 0)]:
        gold = [unknown(4, [span]), unknown(2, [])]
        found = span_gradient(decoder, rows, gold, SpanLearning())
        start, end, label = (torch.tensor([value]) for value in span)
        log_prob = lattice.span_log_probs(torch.tensor([0]), start, end, label)
        expected = -torch.log1p(-log_prob.exp()).item()
        np.testing.assert_allclose(found.losses, [expected, 0.0], rtol=1e-9, atol=1e-12)
        assert found.n_known == span[1] - span[0]
        assert not found.gradient[4:].any() and found.gradient[:4].any()


def test_chains_with_several_rejected_spans_and_gold_equal_their_crfs() -> None:
    """Nested, of one start, overlapping; beside an annotated span, and in both documents."""
    decoder: ChainDecoder = make_head("crf_per_label")
    rows, scheme = make_rows(decoder), TagScheme("BILOU", ["A"])
    gold = [unknown(4, [(0, 2, 0), (0, 3, 0), (1, 3, 0), (1, 2, 1)]), unknown(2, [(0, 2, 0)])]
    known = gold[0].known.copy()
    known[3] = True
    one = np.array([3]), np.array([4]), np.array([0])
    gold[0] = RowGold(*one, known, gold[0].rejected)
    found = span_gradient(decoder, rows, gold, SpanLearning())
    expected = np.zeros(2)
    for doc, n in enumerate((4, 2)):
        own = rows.features[4 * doc : 4 * doc + n].split(scheme.n_tags, dim=1)
        for chain, emissions in enumerate(own):
            crf = CRF.from_scheme(scheme)
            for name, parameter in crf.named_parameters():
                parameter.data = decoder.head.crfs.get_parameter(name)[chain].data
            allowed = tags_of(scheme, "- - - U-A" if chain == 0 else "- - - O")
            allowed = allowed if doc == 0 else np.ones((2, scheme.n_tags), dtype=bool)
            label = LABELS.index(PLAN.chains[chain].labels[0])
            places = [[0, s, e, 0] for s, e, y in gold[doc].rejected.tolist() if y == label]
            spans = SpanFactors.of_rejected(scheme, np.array(places)) if places else None
            loss = crf.loss(emissions, Layout([n]), torch.from_numpy(allowed), spans=spans)
            expected[doc] += loss.item()
    np.testing.assert_allclose(found.losses, expected, rtol=1e-9)


def test_a_band_takes_them_for_known_not_to_have_their_label() -> None:
    """One cell and label each; wider ones are in none."""
    decoder: BandDecoder = make_head("biaffine")
    rows = make_rows(decoder)
    gold = [unknown(4, [(1, 3, 1), (0, 4, 0)]), unknown(2, [(0, 1, 0), (1, 2, 0)])]
    found = span_gradient(decoder, rows, gold, SpanLearning(negative_weight=0.5))
    logits = decoder.head(rows.features, decoder.head.layout(rows.lengths, CPU))
    cells = [[logits[1, 1, 1]], [logits[4, 0, 0], logits[5, 0, 0]]]
    softplus = torch.nn.functional.softplus
    expected = [0.5 * sum(softplus(x).item() for x in own) for own in cells]
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5, atol=1e-6)
    assert found.n_known == 3


def test_both_heads_learn_from_them() -> None:
    both = make_head("both")
    rows = make_rows(both)
    gold = [unknown(4, [(1, 3, 1), (0, 4, 0)]), unknown(2, [])]
    found = span_gradient(both, rows, gold, SpanLearning())
    of_band, of_chains = both._split(rows)
    one = span_gradient(both.band, of_band, gold, SpanLearning())
    other = span_gradient(both.chains, of_chains, gold, SpanLearning())
    np.testing.assert_allclose(found.losses, one.losses + other.losses)
    assert one.losses[0] > 0 and other.losses[0] > 0
