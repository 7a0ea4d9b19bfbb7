"""The head of chains as a decoder of spans, and that of both heads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from spacy_ner_plus.models.decoding.band_with_chains_decoder import BandWithChainsDecoder
from spacy_ner_plus.models.decoding.chain_decoder import LEAST, ChainDecoder, least_uncalibrated
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine
from spacy_ner_plus.models.decoding.losses import tag_log_weights
from spacy_ner_plus.models.decoding.row_features import RowFeatures
from spacy_ner_plus.models.decoding.row_gold import RowGold
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from spacy_ner_plus.models.decoding.span_decoder import HeadShape, HeadT, SpanDecoder, SpanLearning
from spacy_ner_plus.models.decoding.span_heads import DECODERS
from spacy_ner_plus.models.decoding.span_losses import span_gradient
from spacy_ner_plus.models.decoding.span_settings import SpanHeadSettings
from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.nn.crf import CRF, Layout
from spacy_ner_plus.nn.heads.chain_head import ChainHead
from spacy_ner_plus.tags import TagScheme

LABELS = ("A", "B")
PLAN = ChainPlan.of_levels([(["A"], 2), (["B"], 1)])
IDENTITY = SpanCalibration()
Place = tuple[int, int, int]
Make = Callable[[], SpanDecoder[Any]]


def shape_of(head: str, plan: ChainPlan | None = PLAN) -> HeadShape:
    settings = SpanHeadSettings(head=head, max_width=2, hidden_width=3)
    return HeadShape(settings=settings, width=4, labels=LABELS, chains=plan, dropout=0.0)


def make_chains(plan: ChainPlan = PLAN) -> ChainDecoder:
    torch.manual_seed(0)
    return ChainDecoder(randomized(ChainDecoder.make_head(shape_of("crf_per_label", plan))), LABELS)


def make_both() -> BandWithChainsDecoder:
    torch.manual_seed(0)
    return BandWithChainsDecoder(
        randomized(BandWithChainsDecoder.make_head(shape_of("both"))), LABELS
    )


def randomized(head: HeadT) -> HeadT:
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    return head.eval()


def make_rows(n_features: int) -> RowFeatures:
    tokens = [np.array([0, 2, 3, 5]), np.zeros(0, dtype=np.int64), np.array([1, 2])]
    return RowFeatures(torch.randn(6, n_features), tokens)


def by_place(spans: Entities) -> dict[Place, float]:
    columns = (spans.starts, spans.ends, spans.labels, spans.probabilities)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {(start, end, label): p for start, end, label, p in rows}


def exact(decoder: ChainDecoder, rows: RowFeatures) -> list[dict[Place, float]]:
    """The probabilities of all spans, from the CRF of each chain alone, on tokens."""
    crfs, scheme = decoder.head.crfs, decoder.head.crfs.scheme
    found, first = [], 0
    for tokens in rows.row_tokens:
        n = len(tokens)
        own = rows.features[first : first + n].split(crfs.n_tags_each, dim=1)
        first += n
        spans = [(i, j) for i in range(n) for j in range(i + 1, n + 1)]
        missed = dict.fromkeys(((i, j, label) for i, j in spans for label in (0, 1)), 1.0)
        for chain, emissions in enumerate(own if n else []):
            crf = single(decoder.head, chain)
            for i, j in spans:
                tags = np.full(n, -1)
                tags[i:j] = scheme.encode([(0, j - i, scheme.labels[0])], j - i)
                allowed = torch.ones(n, scheme.n_tags, dtype=torch.bool)
                allowed[i:j] = torch.eye(scheme.n_tags, dtype=torch.bool)[tags[i:j]]
                loss = crf.loss(emissions, Layout([n]), allowed)
                label = LABELS.index(PLAN.chains[chain].labels[0])
                missed[i, j, label] *= 1 - torch.exp(-loss).item()
        found.append({(int(tokens[i]), int(tokens[j - 1]) + 1, label): 1 - p
                      for (i, j, label), p in missed.items()})  # fmt: skip
    return found


def single(head: ChainHead, chain: int) -> CRF:
    crf = CRF.from_scheme(TagScheme("BILOU", head.plan.chains[chain].labels))
    with torch.no_grad():
        for name, parameter in crf.named_parameters():
            parameter.copy_(head.crfs.get_parameter(name)[chain])
    return crf


@pytest.mark.parametrize("floor", [0.001, 0.1])
def test_spans_are_on_tokens_and_as_probable_as_in_any_of_their_chains(floor: float) -> None:
    """In BILOU a span is there where its own tags are, whatever others are."""
    decoder = make_chains()
    rows = make_rows(decoder.head.n_features)
    found = decoder.find_spans(rows, floor=floor, calibration=IDENTITY)
    for spans, expected in zip(found, exact(decoder, rows), strict=True):
        wanted = {place: p for place, p in expected.items() if p >= floor}
        assert list(by_place(spans)) == sorted(wanted)
        np.testing.assert_allclose(spans.probabilities, [wanted[p] for p in sorted(wanted)])
    assert not len(found[1]) and len(found[0]) > 3


def test_calibration_moves_probabilities_and_loses_none_over_the_floor() -> None:
    decoder = make_chains()
    rows = make_rows(decoder.head.n_features)
    calibration = SpanCalibration(1.0, LogOddsLine(0.5, 1.0), {"B": LogOddsLine(1.5, 0.3)})
    every = decoder.find_spans(rows, floor=0.0, calibration=IDENTITY)
    found = decoder.find_spans(rows, floor=0.3, calibration=calibration)
    for spans, plain in zip(found, every, strict=True):
        moved = calibration.of_spans(plain.probabilities, plain.labels, LABELS)
        expected = {place: p for place, p in zip(by_place(plain), moved, strict=True) if p >= 0.3}
        assert by_place(spans) == pytest.approx(expected)
    assert sum(map(len, found)) > 3


def test_search_has_an_end_whatever_is_asked_for() -> None:
    assert least_uncalibrated(0.0, IDENTITY) == LEAST
    assert least_uncalibrated(0.05, SpanCalibration(1.0, LogOddsLine(1.0, 20.0))) == LEAST
    assert least_uncalibrated(0.2, IDENTITY) == pytest.approx(0.2)
    uneven = SpanCalibration(1.0, LogOddsLine(), {"B": LogOddsLine(1.0, np.log(4.0))})
    assert least_uncalibrated(0.5, uneven) == pytest.approx(0.2)


def known_gold(n_rows: int, spans: list[Place]) -> RowGold:
    starts, ends, labels = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    return RowGold(starts, ends, labels, np.ones((n_rows, 2), dtype=bool))


GOLD = [known_gold(4, [(0, 3, 0), (1, 2, 0), (1, 2, 1)]), known_gold(0, []), known_gold(2, [])]


def test_losses_are_those_of_each_chain_with_the_labels_weights() -> None:
    decoder = make_chains()
    rows = make_rows(decoder.head.n_features)
    learning = SpanLearning(label_weights=np.array([2.0, 0.5]))
    found = decoder.losses(rows, GOLD, learning)
    held = [[[(0, 3, "A")], []], [[(1, 2, "A")], []], [[(1, 2, "B")], []]]  # of the two with rows
    expected = np.zeros(3)
    for chain, own in enumerate(rows.features.split(5, dim=1)):
        scheme = TagScheme("BILOU", PLAN.chains[chain].labels)
        weights = {"A": 2.0, "B": 0.5}
        log_weights = tag_log_weights(scheme, {label: weights[label] for label in scheme.labels})
        for doc, emissions, spans in zip((0, 2), own.split([4, 2]), held[chain], strict=True):
            tags = scheme.encode(spans, len(emissions))
            allowed = torch.eye(5, dtype=torch.bool)[tags]
            layout, scores = Layout([len(emissions)]), emissions - torch.from_numpy(log_weights)
            expected[doc] += single(decoder.head, chain).loss(scores, layout, allowed).item()
    np.testing.assert_allclose(found.of_docs.detach().numpy(), expected, rtol=1e-6)
    assert found.n_known == 6


@pytest.mark.parametrize("make", [make_chains, make_both])
def test_gradient_of_features_is_that_of_the_loss(make: Make) -> None:
    """By differences, in double precision; with weights and unknown rows."""
    decoder = make()
    decoder.head.double()
    rows = make_rows(decoder.head.n_features)
    rows = RowFeatures(rows.features.double(), rows.row_tokens)
    partly = np.array([[True, True]] * 3 + [[False, False]])
    gold = [replace(GOLD[0], known=partly), GOLD[1], known_gold(2, [(0, 1, 1)])]
    learning = SpanLearning(label_weights=np.array([2.0, 0.5]))
    found = span_gradient(decoder, rows, gold, learning)
    assert found.losses[1] == 0.0 and found.losses[0] > 0 and found.losses[2] > 0
    assert all(p.grad is not None for p in decoder.head.parameters() if p.ndim == 3)
    step = 1e-6
    for place in ((0, 0), (2, 5), (5, rows.features.shape[1] - 1)):
        moved = []
        for sign in (1, -1):
            features = rows.features.clone()
            features[place] += sign * step
            again = span_gradient(decoder, RowFeatures(features, rows.row_tokens), gold, learning)
            moved.append(again.losses.sum() / again.n_known)
        slope = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(found.gradient[place].item(), slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("make", [make_chains, make_both])
def test_losses_that_are_no_numbers_give_no_gradient(make: Make) -> None:
    decoder = make()
    rows = make_rows(decoder.head.n_features)
    rows.features[4] = torch.nan
    found = span_gradient(decoder, rows, GOLD, SpanLearning())
    assert np.isnan(found.losses[2]) and np.isfinite(found.losses[0])
    assert not found.gradient.any()
    assert all(parameter.grad is None for parameter in decoder.head.parameters())


def test_spans_that_no_chain_holds_are_told_by_reason() -> None:
    deep = known_gold(5, [(0, 5, 0), (0, 4, 0), (0, 3, 0), (0, 3, 1), (2, 4, 1)])
    found = {one.why: one.spans.tolist() for one in make_chains().left_out(deep)}
    assert found == {
        "lie within more others of their label than there are levels": [0, 0, 1, 0, 0],
        "cross others of their label at the same level": [0, 0, 0, 0, 1],
        "lie where only some labels were looked for, so that nobody knows their layer": [0] * 5,
    }
    layered = make_chains(ChainPlan.of_levels([(LABELS, 1)]))
    deep.known[4, 1] = False
    found = {one.why[:20]: one.spans.tolist() for one in layered.left_out(deep)}
    assert found["lie where only some "] == [1, 0, 0, 0, 0]
    assert found["lie within more othe"] == [0, 1, 1, 1, 1]  # (0, 4) lies within (0, 5)


def test_both_heads_give_narrow_spans_of_the_band_and_wide_ones_of_the_chains() -> None:
    both = make_both()
    rows = make_rows(both.head.n_features)
    calibration = SpanCalibration(0.5, LogOddsLine(0.8, 0.1))
    of_band, of_chains = both.head.split(rows.features)
    band = both.band.find_spans(
        RowFeatures(of_band, rows.row_tokens), floor=0.01, calibration=calibration
    )
    chains = both.chains.find_spans(
        RowFeatures(of_chains, rows.row_tokens),
        floor=0.01,
        calibration=SpanCalibration(1.0, LogOddsLine(0.8, 0.1)),
    )
    found = both.find_spans(rows, floor=0.01, calibration=calibration)
    for doc, spans in enumerate(found):
        tokens = rows.row_tokens[doc].tolist()
        wide = {
            place: p
            for place, p in by_place(chains[doc]).items()
            if tokens.index(place[1] - 1) - tokens.index(place[0]) >= 2
        }
        assert by_place(spans) == by_place(band[doc]) | wide
        assert list(by_place(spans)) == sorted(by_place(spans))
    assert any(set(by_place(found[0])) - set(by_place(band[0])))


def test_both_heads_lose_what_neither_can_learn() -> None:
    deep = known_gold(5, [(0, 5, 0), (0, 4, 0), (0, 3, 0), (1, 3, 0)])  # the last fits the band
    found = [one for one in make_both().left_out(deep) if one.spans.any()]
    assert [one.spans.tolist() for one in found] == [[False, False, True, False]]
    assert found[0].why.startswith("have more than max_width = 2 tokens and lie within more")


@pytest.mark.parametrize("head", DECODERS)
def test_head_without_a_width_finds_what_a_whole_one_finds_in_its_features(head: str) -> None:
    """As exported models have it: what makes the features is elsewhere."""
    torch.manual_seed(0)
    kind, shape = DECODERS[head], shape_of(head)
    whole, rest = randomized(kind.make_head(shape)), kind.make_head(replace(shape, width=None))
    weights, own = whole.state_dict(), set(rest.state_dict())
    assert rest.width is None and rest.n_features == whole.n_features and own < set(weights)
    rest.load_state_dict({name: weights[name] for name in own})
    features = whole.read_tokens(torch.randn(6, 4)).detach()
    rows = replace(make_rows(whole.n_features), features=features)
    decoders = [kind(each, LABELS) for each in (whole, rest.eval())]
    expected, found = (one.find_spans(rows, floor=0.05, calibration=IDENTITY) for one in decoders)
    assert any(map(len, expected)) and list(map(by_place, found)) == list(map(by_place, expected))
    assert torch.equal(*(one.raw_scores(rows) for one in decoders))


def test_head_of_chains_needs_the_plan_of_its_labels() -> None:
    for plan in (None, ChainPlan.of_levels([(["A"], 1)])):
        with pytest.raises(TypeError, match=r"a head of chains for \('A', 'B'\) has the plan"):
            ChainDecoder.make_head(shape_of("crf_per_label", plan))


@pytest.mark.gpu
@pytest.mark.parametrize("make", [make_chains, make_both])
def test_cuda_spans_and_losses_equal_those_of_the_cpu(make: Make) -> None:
    decoder = make()
    rows = make_rows(decoder.head.n_features)
    found = decoder.find_spans(rows, floor=0.05, calibration=IDENTITY)
    learned = span_gradient(decoder, rows, GOLD, SpanLearning())
    decoder.head.cuda()
    there = RowFeatures(rows.features.cuda(), rows.row_tokens)
    for spans, others in zip(
        found, decoder.find_spans(there, floor=0.05, calibration=IDENTITY), strict=True
    ):
        assert by_place(others) == pytest.approx(by_place(spans), abs=1e-5)
    again = span_gradient(decoder, there, GOLD, SpanLearning())
    np.testing.assert_allclose(again.losses, learned.losses, rtol=1e-5)
    torch.testing.assert_close(again.gradient.cpu(), learned.gradient, rtol=1e-4, atol=1e-5)
