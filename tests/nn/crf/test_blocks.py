"""Many tags: the same results with most of the forbidden transitions left out."""

import numpy as np
import pytest
import torch
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, SpanFactors, blocks
from spacy_ner_plus.nn.crf.blocks import Blocks
from spacy_ner_plus.nn.crf.layout import Layout
from spacy_ner_plus.nn.crf.slot_tags import SlotTags
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


def check_blocks(transition: Tensor, share: float) -> None:
    """Whether blocks have all permitted transitions, and few others."""
    for direction in (transition, transition.T):
        found = Blocks.of(direction, -torch.inf)
        assert found is not None
        kept = (found.sources, found.scores, found.other_scores)
        assert sum(part.numel() for part in kept) < share * transition.numel()
        again = torch.full_like(transition, -torch.inf)
        block = found.scores[found.target_rows]  # (n_all_targets, n_sources)
        for i, (tags, is_own) in enumerate(zip(found.sources, found.is_source == 0, strict=True)):
            again[tags[is_own, None], found.targets] = block[:, i]
        pairs = (found.other_sources, found.others[:, None].expand_as(found.other_sources))
        is_real = found.other_scores > -torch.inf
        again[tuple(index[is_real] for index in pairs)] = found.other_scores[is_real]
        assert torch.equal(again, direction)


@pytest.mark.parametrize(("name", "n_labels"), [("BILOU", 60), ("BIO", 120)])
def test_blocks_leave_out_forbidden_transitions_only(name: str, n_labels: int) -> None:
    crf, _ = many_tags(name, n_labels)
    transition = torch.where(crf.transition_mask, crf.transition.detach(), -torch.inf)
    check_blocks(transition, {"BILOU": 0.3, "BIO": 0.6}[name])


@pytest.mark.parametrize("name", ["BILOU", "BIO"])
@pytest.mark.parametrize("n_slots", [[60, 0, 0], [20, 30, 1]])
def test_blocks_do_not_grow_with_slots(name: str, n_slots: list[int]) -> None:
    crf, _ = many_tags(name, len(n_slots))
    tags = SlotTags(TagScheme(name, ["0", "1", "2"]), np.array(n_slots))
    check_blocks(tags.scores(crf._scores()).transition.detach(), 0.05)


@pytest.mark.parametrize("name", ["BILOU", "BIO"])
@pytest.mark.parametrize("scale", [1.0, 300.0])  # the latter only in log space
def test_results_with_many_slots_are_the_same(
    name: str, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    crf, _ = many_tags(name, 2)
    emissions = scale * torch.randn(150, crf.n_tags)
    emissions[:, 0] -= scale
    starts = np.arange(60)
    scores = torch.where(torch.arange(60) % 3 == 0, -torch.inf, torch.randn(60).double())
    scheme = TagScheme(name, ["0", "1"])
    spans = SpanFactors(scheme, 0 * starts, starts, 150 - starts, starts % 2, scores)
    layout = Layout([150])
    path = crf.decode(emissions, layout, spans=spans)
    found = crf.lattice(emissions, layout, spans=spans)
    monkeypatch.setattr(blocks, "FEWEST_TAGS", 10**6)
    assert torch.equal(path, crf.decode(emissions, layout, spans=spans))
    expected = crf.lattice(emissions, layout, spans=spans)
    torch.testing.assert_close(found.log_z, expected.log_z, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.marginals(), expected.marginals(), rtol=0, atol=1e-10)


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
