"""Scores of spans in batches of documents: entities, probabilities and losses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spacy_ner_plus.models.decoding import emissions as emissions_module
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Entities, Tagger, constrain, make_decoder
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.models.decoding.stretches import Stretch, stretch_log_probs, tag_marginals
from spacy_ner_plus.nn.crf import CRF, SpanFactors, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.oracles import crf_enumerate_paths

SCHEMES = [TagScheme("BIO", ["X", "Y"]), TagScheme("BILOU", ["X"])]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.name)
each_decoder = pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
LENGTHS = (4, 0, 5, 3, 4, 2, 5)
WITH_SPANS = (0, 2, 5)


def make_case(scheme: TagScheme, use_crf: bool, seed: int = 0) -> tuple[TagDecoder, Emissions]:
    """Documents of which every second one has random scores of spans."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    decoder = make_decoder(scheme, use_crf=use_crf)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    rows = []
    for doc in WITH_SPANS:
        for _ in range(6):
            start = int(rng.integers(LENGTHS[doc]))
            end = int(rng.integers(start + 1, LENGTHS[doc] + 1))
            rows.append((doc, start, end, int(rng.integers(len(scheme.labels)))))
    weights = rng.normal(size=len(rows)) * 3
    weights[::5] = -np.inf
    columns = (np.array(column) for column in zip(*rows, strict=True))
    spans = SpanFactors(scheme, *columns, scores=torch.from_numpy(weights))
    scores = 2 * torch.randn(sum(LENGTHS), scheme.n_tags)
    return decoder, Emissions(scores, [np.arange(n) for n in LENGTHS], spans)


def alone(emissions: Emissions, doc: int) -> Emissions:
    """The emissions of one document."""
    scores = emissions.scores.split(list(LENGTHS))[doc]
    spans = None if emissions.spans is None else emissions.spans.of_sequences(np.array([doc]))
    return Emissions(scores, [emissions.row_tokens[doc]], spans)


def paths_of(decoder: TagDecoder, emissions: Emissions) -> tuple[np.ndarray, torch.Tensor]:
    """All valid paths (paths, time) of a document and their scores (paths,)."""
    masks = (decoder.start_mask, decoder.transition_mask, decoder.end_mask)
    learned = [torch.zeros(mask.shape) for mask in masks]
    if isinstance(decoder, CRF):
        learned = [decoder.start, decoder.transition, decoder.end]
    chain = (torch.where(m, s.double(), -torch.inf) for m, s in zip(masks, learned, strict=True))
    paths, scores = crf_enumerate_paths(emissions.scores.double(), *chain)
    paths, scores = paths[scores > -torch.inf], scores[scores > -torch.inf]
    if emissions.spans is not None:
        scores = scores + in_path(emissions.spans, paths.numpy()) @ finite(emissions.spans.scores)
    return paths.numpy(), scores


def finite(scores: torch.Tensor) -> torch.Tensor:
    return scores.clamp_min(-1e12)  # what 0 times is 0


def in_path(spans: SpanFactors, paths: np.ndarray) -> torch.Tensor:
    """(paths, n_factors), 1 where a path has the span with its label."""
    columns = (spans.starts, spans.ends, spans.labels)
    wanted = list(zip(*(column.tolist() for column in columns), strict=True))
    rows = []
    for path in paths:
        found = set(zip(*(c.tolist() for c in spans.scheme.decode(path)), strict=True))
        rows.append([span in found for span in wanted])
    return torch.tensor(rows, dtype=torch.float64)


def assert_same(one: Entities, other: Entities, *, within: float = 0.0) -> None:
    for name in ("starts", "ends", "labels"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=within)


@each_scheme
@each_decoder
@pytest.mark.parametrize("most_cells", [1 << 18, 8])
def test_entities_and_probabilities_equal_brute_force(
    scheme: TagScheme, use_crf: bool, most_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emissions_module, "MAX_CELLS", most_cells)
    decoder, emissions = make_case(scheme, use_crf)
    tagger = Tagger(decoder, scheme, Calibration(temperature=1.7))
    n_found = 0
    for doc, found in enumerate(tagger.decode(emissions)):
        if not LENGTHS[doc]:
            assert not len(found)
            continue
        paths, scores = paths_of(decoder, alone(emissions, doc))
        shares = torch.softmax(scores.detach() / 1.7, 0)
        starts, ends, labels = scheme.decode(paths[int(scores.argmax())])
        assert (found.starts.tolist(), found.ends.tolist()) == (starts.tolist(), ends.tolist())
        assert found.labels.tolist() == labels.tolist()
        spans = SpanFactors(scheme, starts * 0, starts, ends, labels, torch.zeros(len(starts)))
        expected = shares @ in_path(spans, paths) if len(starts) else []
        np.testing.assert_allclose(found.probabilities, expected, rtol=0, atol=1e-6)
        n_found += len(found)
    assert n_found >= 4


@each_scheme
@each_decoder
def test_documents_without_spans_are_as_if_no_document_had_any(
    scheme: TagScheme, use_crf: bool
) -> None:
    decoder, emissions = make_case(scheme, use_crf)
    tagger = Tagger(decoder, scheme)
    others = [doc for doc in range(len(LENGTHS)) if doc not in WITH_SPANS]
    parts = [alone(emissions, doc) for doc in others]
    without = Emissions(torch.cat([p.scores for p in parts]), [p.row_tokens[0] for p in parts])
    expected = tagger.decode(without)
    found = tagger.decode(emissions)
    for doc, one in zip(others, expected, strict=True):
        assert_same(found[doc], one)
    marginals = tag_marginals(tagger, emissions)
    for doc, own in zip(others, tag_marginals(tagger, without), strict=True):
        assert np.array_equal(marginals[doc], own)


@each_scheme
@each_decoder
def test_the_batch_changes_nothing(scheme: TagScheme, use_crf: bool) -> None:
    decoder, emissions = make_case(scheme, use_crf)
    tagger = Tagger(decoder, scheme)
    marginals = tag_marginals(tagger, emissions)
    for doc, found in enumerate(tagger.decode(emissions)):
        own = alone(emissions, doc)
        assert_same(found, tagger.decode(own)[0], within=1e-12)
        np.testing.assert_allclose(marginals[doc], tag_marginals(tagger, own)[0], atol=1e-12)


@each_scheme
def test_stretches_know_of_spans(scheme: TagScheme) -> None:
    decoder, emissions = make_case(scheme, use_crf=True)
    rng = np.random.default_rng(3)
    stretches = [
        Stretch(doc, 1, rng.random((LENGTHS[doc] - 1, scheme.n_tags)) < 0.8) for doc in (0, 2, 3)
    ]
    found = stretch_log_probs(Tagger(decoder, scheme), emissions, stretches)
    for stretch, log_prob in zip(stretches, found, strict=True):
        paths, scores = paths_of(decoder, alone(emissions, stretch.doc))
        inside = paths[:, 1:]
        agrees = stretch.allowed[np.arange(inside.shape[1]), inside].all(axis=1)
        expected = scores.log_softmax(0)[torch.from_numpy(agrees)].logsumexp(0)
        assert log_prob == pytest.approx(expected.item(), abs=1e-8)


def test_constraints_keep_the_spans() -> None:
    _, emissions = make_case(SCHEMES[0], use_crf=True)
    permitted = [np.ones((n, SCHEMES[0].n_tags), dtype=bool) for n in LENGTHS]
    assert constrain(emissions, permitted).spans is emissions.spans


def test_fewer_documents_are_together_the_more_tags_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scheme = TagScheme("BILOU", ["X"])
    docs = np.arange(6)
    spans = SpanFactors(scheme, docs, 0 * docs, 0 * docs + 3, 0 * docs, torch.ones(6).double())
    emissions = Emissions(torch.zeros(24, 5), [np.arange(4)] * 6, spans)
    assert [len(group.docs) for group in emissions.groups()] == [6]
    monkeypatch.setattr(emissions_module, "MAX_TRANSITIONS", 2 * 9**2)  # 4 tags of one slot
    assert [len(group.docs) for group in emissions.groups()] == [2, 2, 2]
    monkeypatch.setattr(emissions_module, "MAX_TRANSITIONS", 1)
    assert [len(group.docs) for group in emissions.groups()] == [1] * 6


def test_documents_that_need_many_tags_are_apart_from_others() -> None:
    """So that the few do not make all others slow."""
    scheme = SCHEMES[1]
    nested = [(1, 0, end, 0) for end in range(2, 9)] + [(1, s, 9, 0) for s in range(1, 8)]
    rows = [(0, 2, 4, 0), *nested, (3, 1, 3, 0)]
    columns = (np.array(column) for column in zip(*rows, strict=True))
    spans = SpanFactors(scheme, *columns, scores=torch.ones(len(rows), dtype=torch.float64))
    emissions = Emissions(torch.zeros(40, 5), [np.arange(10)] * 4, spans)
    groups = [(g.docs.tolist(), g.spans is not None) for g in emissions.groups()]
    assert groups == [([0, 3], True), ([1], True), ([2], False)]


# Losses


@each_scheme
@each_decoder
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_that_of_the_model_with_the_spans(
    scheme: TagScheme, use_crf: bool, smoothing: float
) -> None:
    """And so are its gradients, those of the spans' scores among them."""
    decoder, emissions = make_case(scheme, use_crf)
    assert emissions.spans is not None
    weights = emissions.spans.scores.clamp_min(-3.0).requires_grad_()
    emissions = replace(emissions, spans=replace(emissions.spans, scores=weights))
    rng = np.random.default_rng(5)
    allowed, expected = [], torch.zeros((), dtype=torch.float64)
    leaf = emissions.scores.clone().requires_grad_()
    for doc, length in enumerate(LENGTHS):
        own = alone(replace(emissions, scores=leaf), doc)
        permitted = np.zeros((length, scheme.n_tags), dtype=bool)
        if doc in WITH_SPANS:
            paths, scores = paths_of(decoder, own)
            permitted[np.arange(length), paths[int(rng.integers(len(paths)))]] = True
            agrees = permitted[np.arange(length), paths].all(axis=1)
            nll = scores.logsumexp(0) - scores[torch.from_numpy(agrees)].logsumexp(0)
            known = own.scores.double()
            for row, tags in enumerate(permitted):
                possible = sorted(set(paths[:, row].tolist()))
                gap = known[row, int(tags.argmax())] - known[row, possible].mean()
                nll = nll + smoothing * gap
            expected = expected + nll
        else:
            permitted[:] = True
        allowed.append(permitted)
    losses, gradient = loss_and_gradient(decoder, emissions, allowed, smoothing=smoothing)
    n_annotated = sum(LENGTHS[doc] for doc in WITH_SPANS)
    assert losses.sum() == pytest.approx(expected.item(), rel=1e-6)
    by_scores, by_weights = torch.autograd.grad(expected / n_annotated, [leaf, weights])
    torch.testing.assert_close(gradient, by_scores, rtol=1e-4, atol=1e-6)
    assert weights.grad is not None
    torch.testing.assert_close(weights.grad, by_weights, rtol=1e-6, atol=1e-9)
    assert by_weights.abs().max() > 1e-3
