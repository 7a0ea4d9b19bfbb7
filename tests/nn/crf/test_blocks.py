"""Many tags: the same results with most of the forbidden transitions left out."""

import pytest
import torch
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, blocks
from spacy_ner_plus.nn.crf.blocks import Blocks
from spacy_ner_plus.nn.crf.layout import Layout
from spacy_ner_plus.tags import TagScheme

LENGTHS = [1, 2, 9, 30]


@pytest.fixture(autouse=True)
def used_for_not_so_many_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "FEWEST_TAGS", 200)


def many_tags(name: str, n_labels: int) -> tuple[CRF, Tensor]:
    """A CRF with random scores, and emissions."""
    torch.manual_seed(n_labels)
    crf = CRF.from_scheme(TagScheme(name, [str(i) for i in range(n_labels)]))
    with torch.no_grad():
        for score in crf.parameters():
            score.normal_()
    return crf, 3 * torch.randn(sum(LENGTHS), crf.n_tags)


@pytest.fixture(params=["BILOU", "BIO"])
def tagger(request: pytest.FixtureRequest) -> tuple[CRF, Tensor]:
    return many_tags(request.param, {"BILOU": 60, "BIO": 120}[request.param])


@pytest.mark.parametrize("are_equal", [False, True])
def test_best_paths_are_the_same(
    tagger: tuple[CRF, Tensor], are_equal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    crf, emissions = tagger
    if are_equal:  # many paths with the same score: the lowest last tag decides
        emissions = emissions.round()
        with torch.no_grad():
            crf.transition.zero_()
    layout = Layout(LENGTHS)
    found = crf.decode(emissions, layout)
    monkeypatch.setattr(blocks, "FEWEST_TAGS", 10**6)
    assert found.tolist() == crf.decode(emissions, layout).tolist()


def test_probabilities_are_the_same(
    tagger: tuple[CRF, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    crf, emissions = tagger
    found = crf.lattice(emissions, Layout(LENGTHS))
    monkeypatch.setattr(blocks, "FEWEST_TAGS", 10**6)
    expected = crf.lattice(emissions, Layout(LENGTHS))
    torch.testing.assert_close(found.log_z, expected.log_z, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.marginals(), expected.marginals(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "n_labels"), [("BILOU", 60), ("BIO", 120)])
def test_blocks_leave_out_forbidden_transitions_only(name: str, n_labels: int) -> None:
    crf, _ = many_tags(name, n_labels)
    transition = torch.where(crf.transition_mask, crf.transition.detach(), -torch.inf)
    for direction in (transition, transition.T):
        found = Blocks.of(direction, -torch.inf)
        assert found is not None
        n_kept = found.scores.numel() + found.other_scores.numel()
        assert n_kept < {"BILOU": 0.3, "BIO": 0.6}[name] * transition.numel()
        again = torch.full_like(transition, -torch.inf)
        again[found.sources[:, None], found.targets] = found.scores.T
        pairs = (found.other_sources, found.others[:, None].expand_as(found.other_sources))
        is_real = found.other_scores > -torch.inf
        again[tuple(index[is_real] for index in pairs)] = found.other_scores[is_real]
        assert torch.equal(again, direction)


def test_there_are_none_for_few_tags_or_without_structure() -> None:
    torch.manual_seed(0)
    assert Blocks.of(torch.zeros(20, 20), -torch.inf) is None
    assert Blocks.of(torch.zeros(300, 300), -torch.inf) is None
    scattered = torch.where(torch.rand(300, 300) < 0.5, 0.0, -torch.inf)
    assert Blocks.of(scattered, -torch.inf) is None


def test_they_are_used_for_many_tags(
    tagger: tuple[CRF, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    for name in ("best", "product"):
        original = getattr(Blocks, name)

        def noted(*args: Tensor, name: str = name, original: object = original) -> None:
            calls.append(name)
            original(*args)

        monkeypatch.setattr(Blocks, name, noted)
    crf, emissions = tagger
    crf.decode(emissions, Layout(LENGTHS))
    crf.lattice(emissions, Layout(LENGTHS))
    assert calls == ["best"] * 29 + ["product"] * 58
