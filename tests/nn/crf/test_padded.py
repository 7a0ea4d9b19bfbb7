"""Padded tensors in and out: the same numbers as without padding."""

import doctest

import pytest
import torch
import torchcrf
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, TagDecoder, crf
from tests.nn.crf.chains import Case, cases, one_hot, random_valid_tags, scheme_masks


def test_examples_in_docstrings_are_true() -> None:
    failed, n_lines = doctest.testmod(crf)
    assert n_lines > 10
    assert not failed


@st.composite
def padded_cases(draw: st.DrawFn) -> tuple[Case, Tensor, Tensor]:
    """A case, its emissions (batch, time, tags) with nan for padding that lies anywhere, and the
    mask (batch, time).
    """
    case = draw(cases(emission_scales=(0.0, 1.0, 30.0)))
    n_times = max(case.lengths) + draw(st.integers(0, 2))
    mask = torch.zeros(len(case.lengths), n_times, dtype=torch.bool)
    for row, length in enumerate(case.lengths):
        mask[row, draw(st.permutations(range(n_times)))[:length]] = True
    padded = torch.full((*mask.shape, case.module.n_tags), torch.nan, dtype=torch.float64)
    padded[mask] = case.emissions
    return case, padded, mask


@settings(max_examples=50, deadline=None)
@given(padded_cases(), st.booleans())
def test_padded_results_are_those_without_padding(
    padded_case: tuple[Case, Tensor, Tensor], is_number: bool
) -> None:
    case, padded, mask = padded_case
    padded.requires_grad_()
    batch = case.module.padded(padded, mask.int() if is_number else mask)
    assert torch.equal(batch.emissions, case.emissions)
    decoded = case.module.decode(case.emissions, case.layout)
    assert batch.decode() == [path.tolist() for path in case.split(decoded)]
    marginals = case.module.lattice(case.emissions, case.layout).marginals()
    assert torch.equal(batch.marginals()[mask], marginals)
    assert not batch.marginals()[~mask].any()
    hotter = case.module.lattice(case.emissions, case.layout, temperature=2.0)
    assert torch.equal(batch.lattice(temperature=2.0).log_z, hotter.log_z)

    allowed = case.random_allowed()
    loss = case.module.loss(case.emissions, case.layout, allowed)
    assert torch.equal(batch.loss(batch.pad(allowed)), loss)
    tags = random_valid_tags(case.module, case.lengths, seed=1)
    loss = case.module.loss(case.emissions, case.layout, one_hot(tags, case.module.n_tags))
    ignored = batch.pad(tags).masked_fill(~mask, -100)  # as Hugging Face's collators mark padding
    padded_loss = batch.loss(ignored)
    assert torch.equal(padded_loss, loss)
    if bool(loss.isfinite().all()):
        padded_loss.sum().backward()
        assert padded.grad is not None
        assert padded.grad.isfinite().all()
        assert not padded.grad[~mask].any()


@pytest.mark.parametrize("batch_first", [True, False])
def test_padded_is_what_torchcrf_gives(batch_first: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    ours, theirs = CRF.unconstrained(5).double(), torchcrf.CRF(5, batch_first=batch_first).double()
    pairs = zip(
        (ours.start, ours.transition, ours.end),
        (theirs.start_transitions, theirs.transitions, theirs.end_transitions),
        strict=True,
    )
    for our_scores, their_scores in pairs:
        our_scores.data.normal_(generator=generator)
        their_scores.data.copy_(our_scores)
    emissions = torch.randn(4, 30, 5, generator=generator, dtype=torch.float64)
    tags = torch.randint(0, 5, (4, 30), generator=generator)
    mask = torch.arange(30) < torch.tensor([30, 4, 1, 17])[:, None]
    batch = ours.padded(emissions, mask)
    arguments = [x if batch_first else x.transpose(0, 1) for x in (emissions, tags, mask)]
    torch.testing.assert_close(
        batch.loss(tags), -theirs(*arguments[:2], mask=arguments[2], reduction="none")
    )
    assert batch.decode() == theirs.decode(arguments[0], mask=arguments[2])


def test_padded_without_a_mask_has_no_padding() -> None:
    emissions = torch.randn(2, 4, 3)
    batch = TagDecoder(*scheme_masks("BIO", 1)).padded(emissions)
    assert batch.layout.lengths.tolist() == [4, 4]
    assert torch.equal(batch.emissions, emissions.flatten(0, 1))
    assert batch.marginals().shape == (2, 4, 3)


def test_padded_refuses_what_does_not_fit() -> None:
    crf = CRF(*scheme_masks("BIO", 1))
    emissions, mask = torch.zeros(2, 4, 3), torch.ones(2, 4)
    for wrong in (torch.zeros(2, 4, 5), torch.zeros(4, 3)):
        with pytest.raises(ValueError, match=r"shape \(batch, time, 3\)"):
            crf.padded(wrong, mask)
    with pytest.raises(ValueError, match=r"mask has shape .* \(2, 5\)"):
        crf.padded(emissions, torch.ones(2, 5))
    with pytest.raises(ValueError, match="at least 1 token"):
        crf.padded(emissions, mask * torch.tensor([[1], [0]]))
    batch = crf.padded(emissions, mask)
    with pytest.raises(ValueError, match=r"mask has shape .* does not go with \(2, 3\)"):
        batch.loss(torch.zeros(2, 3, dtype=torch.int64))
    for tag in (-1, 3):
        with pytest.raises(ValueError, match="tags must be from 0 to 2"):
            batch.loss(torch.full((2, 4), tag))
    with pytest.raises(ValueError, match="allowed must be bool"):
        batch.loss(torch.zeros(2, 4))
