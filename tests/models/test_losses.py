"""Weights, smoothing and distillation on top of the likelihood, against brute force.

What has no weights and no smoothing is tested in test_entities.py.
"""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import make_decoder
from spacy_ner_plus.models.decoding.losses import (
    distillation_loss_and_gradient,
    loss_and_gradient,
    tag_log_weights,
)
from spacy_ner_plus.nn.crf import CRF, Layout, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.oracles import valid_paths

BIO = TagScheme("BIO", ["X", "Y"])
BILOU = TagScheme("BILOU", ["X"])
each_scheme = pytest.mark.parametrize("scheme", [BIO, BILOU], ids=["BIO", "BILOU"])
each_decoder = pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
# of X and Y; the logarithms are exact in fp32
LOG_WEIGHTS = (0.75, -0.5)


def make_emissions(scheme: TagScheme, lengths: tuple[int, ...], seed: int) -> Emissions:
    generator = torch.Generator().manual_seed(seed)
    shape = (sum(lengths), scheme.n_tags)
    scores = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return Emissions(scores, [np.arange(length) for length in lengths])


def make(scheme: TagScheme, use_crf: bool, seed: int) -> TagDecoder:
    decoder = make_decoder(scheme, use_crf=use_crf)
    generator = torch.Generator().manual_seed(seed)
    for parameter in decoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return decoder


def random_allowed(scheme: TagScheme, n_rows: int, seed: int) -> np.ndarray:
    """The tags of a valid path, some with others beside them; the first row is always known."""
    rng = np.random.default_rng(seed)
    allowed = np.zeros((n_rows, scheme.n_tags), dtype=bool)
    if n_rows:
        paths = valid_paths(scheme, n_rows)
        allowed[np.arange(n_rows), paths[rng.integers(len(paths))]] = True
        unsure = np.flatnonzero(rng.random(n_rows) < 0.4)
        allowed[unsure[unsure > 0]] |= rng.random(scheme.n_tags) < 0.5
    return allowed


def log_weights_of(scheme: TagScheme) -> np.ndarray:
    weights = dict(zip(scheme.labels, np.exp(LOG_WEIGHTS), strict=False))
    return tag_log_weights(scheme, weights)


# The stated formula, word for word


def path_score(decoder: TagDecoder, scores: Tensor, path: tuple[int, ...]) -> Tensor:
    score = scores[range(len(path)), path].sum()
    if isinstance(decoder, CRF):
        steps = decoder.transition[list(path[:-1]), list(path[1:])].sum()
        score = score + decoder.start[path[0]] + decoder.end[path[-1]] + steps
    return score


def log_weight(log_weights: np.ndarray, path: tuple[int, ...]) -> float:
    """The sum over the entities of a path."""
    return float(sum(log_weights[tag] for tag in path))


def stated_loss(
    decoder: TagDecoder,
    scheme: TagScheme,
    scores: Tensor,
    allowed: np.ndarray,
    log_weights: np.ndarray,
    smoothing: float,
    gamma: float = 0.0,
) -> Tensor:
    n_rows = len(scores)
    if not n_rows:
        return scores.sum()
    if isinstance(decoder, CRF):
        paths = valid_paths(scheme, n_rows)
    else:  # tokens are independent, so paths that the scheme forbids count too
        paths = list(product(range(scheme.n_tags), repeat=n_rows))
    all_scores = [path_score(decoder, scores, p) - log_weight(log_weights, p) for p in paths]
    agrees = [bool(allowed[range(n_rows), p].all()) for p in paths]
    agreeing = [score for score, does in zip(all_scores, agrees, strict=True) if does]
    loss = torch.logsumexp(torch.stack(all_scores), 0)
    loss = loss - torch.logsumexp(torch.stack(agreeing), 0)
    if gamma and isinstance(decoder, CRF):
        loss = (1 - torch.exp(-loss)) ** gamma * loss
    elif gamma:
        weighted = scores - torch.from_numpy(log_weights)
        shares = weighted.softmax(1).masked_fill(~torch.from_numpy(allowed), 0).sum(1)
        shares = shares[~torch.from_numpy(allowed.all(axis=1))]  # where all is allowed it is 1
        loss = ((1 - shares) ** gamma * -shares.log()).sum()
    for row in range(n_rows):
        if allowed[row].sum() == 1:
            possible = sorted({path[row] for path in paths})
            gap = scores[row, allowed[row].argmax()] - scores[row, possible].mean()
            loss = loss + smoothing * gap
    return loss


@each_scheme
@each_decoder
@settings(deadline=None, max_examples=15)
@given(
    lengths=st.tuples(st.integers(0, 3), st.integers(1, 3)),
    seed=st.integers(0, 9999),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    weighted=st.booleans(),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_loss_and_its_gradients_are_those_of_the_stated_formula(
    scheme: TagScheme,
    use_crf: bool,
    lengths: tuple[int, ...],
    seed: int,
    smoothing: float,
    weighted: bool,
    gamma: float,
) -> None:
    decoder = make(scheme, use_crf, seed)
    emissions = make_emissions(scheme, lengths, seed)
    allowed = [random_allowed(scheme, n, seed + i) for i, n in enumerate(lengths)]
    log_weights = log_weights_of(scheme) if weighted else None
    losses, gradient = loss_and_gradient(
        decoder,
        emissions,
        allowed,
        log_weights=log_weights,
        smoothing=smoothing,
        focal_gamma=gamma,
    )
    found = [parameter.grad.clone() for parameter in decoder.parameters()]

    decoder.zero_grad()
    leaf = emissions.scores.clone().requires_grad_()
    no_weights = np.zeros(scheme.n_tags)
    expected = [
        stated_loss(
            decoder, scheme, scores, tags, log_weights if weighted else no_weights, smoothing, gamma
        )
        for scores, tags in zip(leaf.split(lengths), allowed, strict=True)
    ]
    np.testing.assert_allclose(losses, [loss.item() for loss in expected], rtol=0, atol=1e-9)
    n_annotated = sum(int((~tags.all(axis=1)).sum()) for tags in allowed)
    (sum(expected) / max(1, n_annotated)).backward()
    torch.testing.assert_close(gradient, leaf.grad, rtol=0, atol=1e-9)
    masks = (decoder.start_mask, decoder.transition_mask, decoder.end_mask) if use_crf else ()
    for grad, parameter, mask in zip(found, decoder.parameters(), masks, strict=True):
        wanted = torch.where(mask, parameter.grad, 0.0)
        torch.testing.assert_close(grad, wanted, rtol=0, atol=1e-9)


@each_decoder
def test_gradient_equals_finite_differences(use_crf: bool) -> None:
    decoder = make(BIO, use_crf, 0)
    emissions = make_emissions(BIO, (3, 4, 1), 0)
    allowed = [random_allowed(BIO, n, n) for n in (3, 4, 1)]
    options = {"log_weights": log_weights_of(BIO), "smoothing": 0.2, "focal_gamma": 1.5}
    _, gradient = loss_and_gradient(decoder, emissions, allowed, **options)

    def mean_loss(scores: Tensor) -> float:
        moved = Emissions(scores, emissions.row_tokens)
        losses, _ = loss_and_gradient(decoder, moved, allowed, **options)
        return float(losses.sum()) / sum(int((~tags.all(axis=1)).sum()) for tags in allowed)

    for cell in product(range(8), range(BIO.n_tags)):
        step = torch.zeros_like(emissions.scores)
        step[cell] = 1e-5
        slope = (mean_loss(emissions.scores + step) - mean_loss(emissions.scores - step)) / 2e-5
        assert gradient[cell].item() == pytest.approx(slope, abs=1e-7)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 9999), smoothing=st.sampled_from([0.05, 0.3, 0.9]))
def test_smoothing_without_crf_is_torchs_cross_entropy(seed: int, smoothing: float) -> None:
    decoder = make_decoder(BIO, use_crf=False)
    emissions = make_emissions(BIO, (4, 2), seed)
    tags = torch.from_numpy(np.random.default_rng(seed).integers(BIO.n_tags, size=6))
    allowed = list(np.split(np.eye(BIO.n_tags, dtype=bool)[tags], [4]))
    losses, gradient = loss_and_gradient(decoder, emissions, allowed, smoothing=smoothing)
    leaf = emissions.scores.clone().requires_grad_()
    expected = nn.functional.cross_entropy(leaf, tags, label_smoothing=smoothing)
    expected.backward()
    assert losses.sum() / 6 == pytest.approx(expected.item(), abs=1e-9)
    torch.testing.assert_close(gradient, leaf.grad, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 9999), gamma=st.sampled_from([0.5, 2.0, 5.0]))
def test_focal_loss_without_crf_is_that_of_lin(seed: int, gamma: float) -> None:
    """By cross-entropy, as other libraries write it."""
    decoder = make_decoder(BIO, use_crf=False)
    emissions = make_emissions(BIO, (4, 2), seed)
    tags = torch.from_numpy(np.random.default_rng(seed).integers(BIO.n_tags, size=6))
    allowed = list(np.split(np.eye(BIO.n_tags, dtype=bool)[tags], [4]))
    losses, gradient = loss_and_gradient(decoder, emissions, allowed, focal_gamma=gamma)
    leaf = emissions.scores.clone().requires_grad_()
    nll = nn.functional.cross_entropy(leaf, tags, reduction="none")  # (6,)
    expected = ((1 - torch.exp(-nll)) ** gamma * nll).mean()
    expected.backward()
    assert losses.sum() / 6 == pytest.approx(expected.item(), abs=1e-9)
    torch.testing.assert_close(gradient, leaf.grad, rtol=0, atol=1e-9)


@each_decoder
@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_focal_loss_of_what_is_certain_or_not_annotated_has_no_gradient(
    use_crf: bool, gamma: float
) -> None:
    decoder = make_decoder(BIO, use_crf=use_crf)
    certain = torch.full((2, BIO.n_tags), -1000.0, dtype=torch.float64)
    certain[:, 0] = 1000.0
    scores = torch.cat([certain, torch.zeros_like(certain)])
    gold = np.eye(BIO.n_tags, dtype=bool)[[0, 0]]
    emissions = Emissions(scores, [np.arange(2), np.arange(2)])
    allowed = [gold, np.ones_like(gold)]
    losses, gradient = loss_and_gradient(decoder, emissions, allowed, focal_gamma=gamma)
    np.testing.assert_allclose(losses, 0, atol=1e-9)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-9)


@each_decoder
def test_focal_loss_of_what_is_impossible_is_infinite(use_crf: bool) -> None:
    """As without it: the caller names the document."""
    decoder = make_decoder(BIO, use_crf=use_crf)
    # with a CRF, no sequence begins with I-X
    possible = np.eye(BIO.n_tags, dtype=bool)[[2, 0]]
    allowed = [possible if use_crf else np.zeros_like(possible)]
    emissions = Emissions(torch.zeros(2, BIO.n_tags, dtype=torch.float64), [np.arange(2)])
    losses, _ = loss_and_gradient(decoder, emissions, allowed, focal_gamma=2.0)
    assert losses[0] == np.inf


@each_decoder
def test_focal_loss_draws_less_the_surer_a_sequence_is(use_crf: bool) -> None:
    decoder = make_decoder(BIO, use_crf=use_crf)
    gold = np.eye(BIO.n_tags, dtype=bool)[[0, 0, 0]]
    ratios = []
    for score in (0.0, 2.0, 5.0):
        scores = torch.zeros(3, BIO.n_tags, dtype=torch.float64)
        scores[:, 0] = score
        emissions = Emissions(scores, [np.arange(3)])
        plain, _ = loss_and_gradient(decoder, emissions, [gold])
        focal, _ = loss_and_gradient(decoder, emissions, [gold], focal_gamma=2.0)
        ratios.append(float(focal[0] / plain[0]))
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 0.05 < 0.3 < ratios[0] < 1


@each_decoder
def test_weights_of_one_change_nothing(use_crf: bool) -> None:
    decoder = make(BIO, use_crf, 0)
    emissions = make_emissions(BIO, (3, 4), 0)
    allowed = [random_allowed(BIO, n, n) for n in (3, 4)]
    plain = loss_and_gradient(decoder, emissions, allowed)
    ones = tag_log_weights(BIO, {"X": 1.0, "Y": 1.0})
    weighted = loss_and_gradient(decoder, emissions, allowed, log_weights=ones)
    np.testing.assert_array_equal(plain[0], weighted[0])
    assert torch.equal(plain[1], weighted[1])


@each_decoder
def test_smoothing_of_a_document_does_not_depend_on_the_others(use_crf: bool) -> None:
    decoder = make(BIO, use_crf, 0)
    lengths = (1, 4, 2)
    emissions = make_emissions(BIO, lengths, 0)
    allowed = [random_allowed(BIO, n, n) for n in lengths]
    options = {"log_weights": log_weights_of(BIO), "smoothing": 0.3}
    together, _ = loss_and_gradient(decoder, emissions, allowed, **options)
    for i, scores in enumerate(emissions.scores.split(lengths)):
        alone = Emissions(scores, [emissions.row_tokens[i]])
        loss, _ = loss_and_gradient(decoder, alone, [allowed[i]], **options)
        assert loss[0] == pytest.approx(together[i], abs=1e-9)


def test_smoothed_optimum_is_the_smoothed_target_with_a_crf_too() -> None:
    """Of one token: 1 - e + e / K for the known tag, e / K for each other possible one. I- tags
    can't start a document: they are not possible, and their scores are left alone.
    """
    decoder = make_decoder(BIO, use_crf=True)
    gold = np.eye(BIO.n_tags, dtype=bool)[[1]]
    target = torch.tensor([[0.2 / 3, 0.8 + 0.2 / 3, 1.0, 0.2 / 3, 1.0]], dtype=torch.float64)
    emissions = Emissions(target.log(), [np.arange(1)])
    _, gradient = loss_and_gradient(decoder, emissions, [gold], smoothing=0.2)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-9)
    lattice = decoder.lattice(emissions.scores, Layout([1]))
    marginals = lattice.marginals()[0].tolist()
    assert marginals == pytest.approx([0.2 / 3, 0.8 + 0.2 / 3, 0, 0.2 / 3, 0])
    for tag in (0, 1, 3):
        moved = Emissions(emissions.scores.clone(), emissions.row_tokens)
        moved.scores[0, tag] += 0.1
        _, gradient = loss_and_gradient(decoder, moved, [gold], smoothing=0.2)
        assert gradient[0, tag] > 1e-3  # it is a minimum


@each_decoder
@pytest.mark.parametrize(("weight", "optimum"), [(1.0, 0.2), (4.0, 0.5), (0.5, 1 / 9)])
def test_weight_multiplies_the_odds(weight: float, optimum: float, use_crf: bool) -> None:
    """One in five tokens that look alike is X: odds of 1 to 4, times the weight."""
    decoder = make_decoder(TagScheme("BIO", ["X"]), use_crf=use_crf)
    log_weights = tag_log_weights(TagScheme("BIO", ["X"]), {"X": weight})
    # I-X as good as impossible
    scores = torch.tensor([np.log(1 - optimum), np.log(optimum), -60.0]).double()
    emissions = Emissions(scores.expand(5, 3), [np.arange(5)])
    gold = np.eye(3, dtype=bool)[[1, 0, 0, 0, 0]]
    _, gradient = loss_and_gradient(decoder, emissions, [gold], log_weights=log_weights)
    torch.testing.assert_close(gradient.sum(0), torch.zeros(3).double(), rtol=0, atol=1e-7)


def test_tag_log_weights_are_those_of_the_labels() -> None:
    log_weights = tag_log_weights(TagScheme("BILOU", ["X", "Y"]), {"Y": 2.0})
    assert log_weights.tolist() == pytest.approx([0.0] * 5 + [np.log(2), 0, 0, np.log(2)])


# Distillation


@each_scheme
@each_decoder
def test_distillation_of_itself_is_nothing(scheme: TagScheme, use_crf: bool) -> None:
    decoder = make(scheme, use_crf, 0)
    emissions = make_emissions(scheme, (3, 0, 2), 0)
    losses, gradient = distillation_loss_and_gradient(
        decoder, emissions, decoder, emissions, scheme.n_tags
    )
    np.testing.assert_allclose(losses, 0, atol=1e-9)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-9)
    for parameter in decoder.parameters():
        torch.testing.assert_close(parameter.grad, torch.zeros_like(parameter), rtol=0, atol=1e-9)


def conditional_log_probs(
    decoder: TagDecoder, scheme: TagScheme, scores: Tensor, n_known: int
) -> Tensor:
    """Log probabilities of all tag sequences of the first tags, given that there are no others."""
    if isinstance(decoder, CRF):
        paths = valid_paths(scheme, len(scores))
    else:
        paths = list(product(range(scheme.n_tags), repeat=len(scores)))
    known = [path for path in paths if max(path) < n_known]
    return torch.log_softmax(torch.stack([path_score(decoder, scores, p) for p in known]), 0)


@each_decoder
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 9999), teacher_has_y=st.booleans())
def test_distillation_is_the_divergence_conditional_on_known_tags(
    use_crf: bool, seed: int, teacher_has_y: bool
) -> None:
    """Of the teacher from the student, whether the teacher has the unlearned label Y or not."""
    lengths, n_known = (3, 1), 3
    old_scheme = BIO if teacher_has_y else TagScheme("BIO", ["X"])
    student, teacher = make(BIO, use_crf, seed), make(old_scheme, use_crf, seed + 1)
    emissions = make_emissions(BIO, lengths, seed)
    old = make_emissions(old_scheme, lengths, seed + 1)
    losses, gradient = distillation_loss_and_gradient(student, emissions, teacher, old, n_known)
    found = [parameter.grad.clone() for parameter in student.parameters()]

    student.zero_grad()
    leaf = emissions.scores.clone().requires_grad_()
    divergences = []
    for ours, theirs in zip(leaf.split(lengths), old.scores.split(lengths), strict=True):
        q = conditional_log_probs(student, BIO, ours, n_known)
        p = conditional_log_probs(teacher, old_scheme, theirs, n_known).detach()
        divergences.append((p.exp() * (p - q)).sum())
    np.testing.assert_allclose(losses, [d.item() for d in divergences], rtol=0, atol=1e-9)
    (sum(divergences) / 4).backward()
    torch.testing.assert_close(gradient, leaf.grad, rtol=0, atol=1e-9)
    assert not gradient[:, n_known:].any()
    for grad, parameter in zip(found, student.parameters(), strict=True):
        torch.testing.assert_close(grad, parameter.grad, rtol=0, atol=1e-9)
