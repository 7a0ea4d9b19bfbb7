"""Scores of whole spans on top of a chain, against the enumeration of all paths."""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Lattice, Layout, SpanFactors, SpanTags, TagDecoder
from spacy_ner_plus.nn.crf import span_factors as span_factors_module
from spacy_ner_plus.nn.crf.span_factors import MOST_SLOTS
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.chains import INF, randomize, scores_of
from tests.oracles import crf_enumerate_paths

Factor = tuple[int, int, int, int, float]
"""Sequence, start, end, label and score."""


@dataclass
class SpanCase:
    """A batch with factors."""

    decoder: TagDecoder
    scheme: TagScheme
    emissions: Tensor
    lengths: list[int]
    factors: list[Factor]

    @property
    def layout(self) -> Layout:
        return Layout(self.lengths)

    @property
    def spans(self) -> SpanFactors:
        return span_factors(self.scheme, self.factors)

    def lattice(self, temperature: float = 1.0) -> Lattice:
        return self.decoder.lattice(
            self.emissions, self.layout, temperature=temperature, spans=self.spans
        )

    def paths(self, row: int, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """All valid paths of a sequence (paths, time) and their scores (paths,)."""
        emissions = self.emissions.double().split(self.lengths)[row]
        paths, scores = crf_enumerate_paths(emissions, *scores_of(self.decoder))
        paths, scores = paths[scores > -INF], scores[scores > -INF]
        scores = scores + torch.tensor([self.bonus(row, path) for path in paths.tolist()])
        return paths, scores / temperature

    def bonus(self, row: int, path: list[int]) -> float:
        found = list(zip(*(c.tolist() for c in self.scheme.decode(np.array(path))), strict=True))
        return sum(w for s, *span, w in self.factors if s == row and tuple(span) in found)


def span_factors(scheme: TagScheme, factors: list[Factor]) -> SpanFactors:
    sequences, starts, ends, labels = (np.array([f[i] for f in factors]) for i in range(4))
    scores = torch.tensor([f[4] for f in factors], dtype=torch.float64)
    return SpanFactors(scheme, sequences, starts, ends, labels, scores)


# What can be enumerated quickly.
LONGEST = {("BIO", 1): 6, ("BIO", 2): 5, ("BIO", 3): 4, ("BILOU", 1): 5, ("BILOU", 2): 3}


@st.composite
def span_cases(draw: st.DrawFn, longest: int = 6, most: int = 8) -> SpanCase:
    """Up to three short sequences, with factors that overlap, are nested, repeated or -inf."""
    name, n_labels = draw(st.sampled_from(list(LONGEST)))
    longest = min(longest, LONGEST[name, n_labels])
    scheme = TagScheme(name, ["X", "Y", "Z"][:n_labels])
    lengths = draw(st.lists(st.integers(1, longest), min_size=1, max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    decoder = draw(st.sampled_from((CRF, TagDecoder))).from_scheme(scheme)
    randomize(decoder, generator, draw(st.sampled_from((0.0, 1.0, 10.0))))
    shape = (sum(lengths), scheme.n_tags)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64)
    emissions *= draw(st.sampled_from((1.0, 30.0, 300.0)))
    if draw(st.booleans()):
        emissions[..., 1:][torch.rand(shape, generator=generator)[..., 1:] < 0.15] = -INF
    weight = st.sampled_from((-INF, -30.0, -2.0, -0.5, 0.0, 0.25, 1.0, 3.0, 40.0))

    @st.composite
    def factor(draw: st.DrawFn) -> Factor:
        row = draw(st.integers(0, len(lengths) - 1))
        start = draw(st.integers(0, lengths[row] - 1))
        end = draw(st.integers(start + 1, lengths[row]))
        return row, start, end, draw(st.integers(0, n_labels - 1)), draw(weight)

    factors = draw(st.lists(factor(), min_size=1, max_size=most))
    if draw(st.booleans()):  # all spans of some words are ruled out, as slots are shared for
        row, start, end, label, _ = draw(factor())
        ends = range(start + 1, end + 1)
        factors += [(row, i, j, label, -INF) for i in range(start, end) for j in ends if i < j]
    return SpanCase(decoder, scheme, emissions, lengths, factors)


def tags_of(scheme: TagScheme, start: int, end: int, label: int) -> list[int]:
    return scheme.encode([(0, end - start, scheme.labels[label])], end - start).tolist()


many = settings(max_examples=60, deadline=None)


@many
@given(span_cases(), st.sampled_from((0.4, 1.0, 3.0)))
def test_log_z_marginals_entropy_and_transitions(case: SpanCase, temperature: float) -> None:
    lattice = case.lattice(temperature)
    entropy, transitions = lattice.entropy(), lattice.transitions()
    marginals = lattice.marginals().split(case.lengths)
    for row in range(len(case.lengths)):
        paths, scores = case.paths(row, temperature)
        torch.testing.assert_close(lattice.log_z[row], scores.logsumexp(0), rtol=1e-9, atol=1e-8)
        shares = torch.softmax(scores, 0)
        one_hot = torch.nn.functional.one_hot(paths, case.scheme.n_tags).double()
        expected = torch.einsum("p,ptk->tk", shares, one_hot)
        torch.testing.assert_close(marginals[row], expected, rtol=1e-6, atol=1e-9)
        expected = torch.special.entr(shares).sum()
        torch.testing.assert_close(entropy[row], expected, rtol=1e-6, atol=1e-8)
        expected = torch.einsum("p,pti,ptj->ij", shares, one_hot[:, :-1], one_hot[:, 1:])
        torch.testing.assert_close(transitions[row], expected, rtol=1e-6, atol=1e-9)


@many
@given(span_cases(), st.integers(1, 7))
def test_best_paths(case: SpanCase, k: int) -> None:
    best = case.decoder.decode(case.emissions, case.layout, spans=case.spans).split(case.lengths)
    for row, (found, log_probs) in enumerate(case.lattice().k_best(k)):
        paths, scores = case.paths(row)
        known = dict(zip(map(tuple, paths.tolist()), scores.log_softmax(0).tolist(), strict=True))
        finite = sorted((p for p in known.values() if p > -INF), reverse=True)
        assert log_probs.tolist() == pytest.approx(finite[:k], rel=1e-6, abs=1e-7)
        own = [known[tuple(path)] for path in found.tolist()]
        assert own == pytest.approx(log_probs.tolist(), rel=1e-6, abs=1e-7)
        assert len(set(map(tuple, found.tolist()))) == len(found)
        assert known[tuple(best[row].tolist())] == pytest.approx(finite[0], rel=1e-6, abs=1e-7)


@many
@given(span_cases(), st.data())
def test_span_log_probs(case: SpanCase, data: st.DataObject) -> None:
    """Of all spans, those that go on beyond all factors too."""
    row = data.draw(st.integers(0, len(case.lengths) - 1))
    n = case.lengths[row]
    spans = [
        (start, end, label)
        for start, end in product(range(n), range(1, n + 1))
        for label in range(len(case.scheme.labels))
        if start < end
    ]
    found = span_log_probs(case.lattice(), case.scheme, row, spans)
    paths, scores = case.paths(row)
    log_probs = scores.log_softmax(0)
    for span, log_prob in zip(spans, found.tolist(), strict=True):
        has = torch.tensor([span in decoded(case.scheme, path) for path in paths.tolist()])
        expected = log_probs[has].logsumexp(0).item() if has.any() else -INF
        if expected > -600:
            assert log_prob == pytest.approx(expected, rel=1e-6, abs=1e-7)
        else:
            assert log_prob < -590


def span_log_probs(
    lattice: Lattice, scheme: TagScheme, row: int, spans: list[tuple[int, int, int]]
) -> Tensor:
    starts, ends, labels = (torch.tensor(column) for column in zip(*spans, strict=True))
    tags = (scheme.first, scheme.inside, scheme.last, scheme.unit)
    return lattice.span_log_probs(
        torch.full_like(starts, row),
        starts,
        ends,
        SpanTags(*(torch.tensor(ids)[labels] for ids in tags)),
    )


def decoded(scheme: TagScheme, path: list[int]) -> list[tuple[int, int, int]]:
    return list(zip(*(c.tolist() for c in scheme.decode(np.array(path))), strict=True))


@many
@given(span_cases(), st.data())
def test_log_probs_of_allowed_tags(case: SpanCase, data: st.DataObject) -> None:
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 9999)))
    allowed = torch.rand(case.emissions.shape, generator=generator) < 0.7
    found = case.lattice().log_probs(allowed)
    for row, own in enumerate(allowed.split(case.lengths)):
        paths, scores = case.paths(row)
        agrees = own[torch.arange(len(own)), paths].all(1)
        expected = scores.log_softmax(0)[agrees].logsumexp(0)
        torch.testing.assert_close(found[row], expected, rtol=1e-6, atol=1e-8)


def check_segment(lattice: Lattice, row: int, parts: dict[tuple[int, ...], float]) -> None:
    """Whether a lattice's sequence is the distribution over these tag sequences."""
    assert lattice.log_z[row].item() == pytest.approx(0.0, abs=1e-8)
    probable = {part: p for part, p in parts.items() if p > -400}
    paths, log_probs = lattice.k_best(len(parts))[row]
    found = dict(zip(map(tuple, paths.tolist()), log_probs.tolist(), strict=True))
    assert {p: v for p, v in found.items() if v > -400} == pytest.approx(
        probable, rel=1e-6, abs=1e-7
    )
    entropy = sum(-p * math.exp(p) for p in probable.values())
    assert lattice.entropy()[row].item() == pytest.approx(entropy, rel=1e-6, abs=1e-8)


def parts_of(
    paths: Tensor, log_probs: Tensor, start: int, end: int
) -> dict[tuple[int, ...], float]:
    parts, group = torch.unique(paths[:, start:end], dim=0, return_inverse=True)
    sums = [torch.logsumexp(log_probs[group == i], 0).item() for i in range(len(parts))]
    pairs = zip(map(tuple, parts.tolist()), sums, strict=True)
    return {part: log_prob for part, log_prob in pairs if log_prob > -INF}


@settings(max_examples=100, deadline=None)
@given(span_cases(), st.data())
def test_segments_and_segments_of_segments(case: SpanCase, data: st.DataObject) -> None:
    places, inner = [], []
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(0, len(case.lengths) - 1))
        start = data.draw(st.integers(0, case.lengths[row] - 1))
        end = data.draw(st.integers(start + 1, case.lengths[row]))
        places.append((row, start, end))
        first = data.draw(st.integers(0, end - start - 1))
        inner.append((first, data.draw(st.integers(first + 1, end - start))))
    lattice = case.lattice()
    segments = lattice.segments(*zip(*places, strict=True))
    within = segments.segments(range(len(places)), *zip(*inner, strict=True))
    for i, ((row, start, end), (first, last)) in enumerate(zip(places, inner, strict=True)):
        paths, scores = case.paths(row)
        log_probs = scores.log_softmax(0)
        check_segment(segments, i, parts_of(paths, log_probs, start, end))
        check_segment(within, i, parts_of(paths, log_probs, start + first, start + last))


@pytest.mark.parametrize(("name", "n"), [("BIO", 6), ("BILOU", 5)])
@pytest.mark.parametrize("extra", [[], [(0, 0, 4, 0, 1.5)], [(0, 0, 5, 0, -INF)]])
def test_segments_within_words_of_which_all_spans_are_ruled_out(
    name: str, n: int, extra: list[Factor]
) -> None:
    """Of all places: a span from before them goes on beside those that begin within, and beyond."""
    scheme = TagScheme(name, ["X"])
    generator = torch.Generator().manual_seed(0)
    decoder = randomize(CRF.from_scheme(scheme), generator, 1.0)
    emissions = torch.randn(n, scheme.n_tags, generator=generator).double()
    factors = [(0, i, j, 0, -INF) for i in range(1, n - 1) for j in range(i + 1, n)]
    factors += extra
    case = SpanCase(decoder, scheme, emissions, [n], factors)
    assert case.spans.groups.shares.any()
    paths, scores = case.paths(0)
    log_probs = scores.log_softmax(0)
    places = [(start, end) for start in range(n) for end in range(start + 1, n + 1)]
    segments = case.lattice().segments([0] * len(places), *zip(*places, strict=True))
    for i, (start, end) in enumerate(places):
        check_segment(segments, i, parts_of(paths, log_probs, start, end))
        inner = [(first, last) for first, last in places if last <= end - start]
        within = segments.segments([i] * len(inner), *zip(*inner, strict=True))
        for j, (first, last) in enumerate(inner):
            parts = parts_of(paths, log_probs, start + first, start + last)
            check_segment(within, j, parts)


@many
@given(span_cases(), st.data())
def test_loss_and_its_gradients(case: SpanCase, data: st.DataObject) -> None:
    """Of the emissions, of the decoder's parameters and of the spans' own scores."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 9999)))
    noise = torch.randn(case.emissions.shape, generator=generator)
    gold = case.decoder.decode(noise, case.layout)
    allowed = torch.nn.functional.one_hot(gold, case.scheme.n_tags).bool()
    if data.draw(st.booleans()):
        allowed |= torch.rand(allowed.shape, generator=generator) < 0.3
    emissions = case.emissions.masked_fill(case.emissions == -INF, -3.0).requires_grad_()
    weights = case.spans.scores.masked_fill(case.spans.scores == -INF, -4.0).requires_grad_()
    columns = (case.spans.sequences, case.spans.starts, case.spans.ends, case.spans.labels)
    spans = SpanFactors(case.scheme, *columns, weights)
    leaves = [emissions, weights, *case.decoder.parameters()]
    loss = case.decoder.loss(emissions, case.layout, allowed, spans=spans)
    found = torch.autograd.grad(loss.sum(), leaves, allow_unused=True)

    start, transition, end = chain_of(case.decoder)
    total = torch.zeros((), dtype=torch.float64)
    for row, (own, permitted) in enumerate(
        zip(emissions.split(case.lengths), allowed.split(case.lengths), strict=True)
    ):
        paths, scores = crf_enumerate_paths(own, start, transition, end)
        valid = scores > -INF
        paths, scores = paths[valid], scores[valid]
        present = torch.tensor(
            [
                [s == row and tuple(f) in decoded(case.scheme, p) for s, *f, _ in case.factors]
                for p in paths.tolist()
            ]
        )
        scores = scores + present.double() @ weights
        agrees = permitted[torch.arange(len(permitted)), paths].all(1)
        one = scores.logsumexp(0) - scores[agrees].logsumexp(0)
        assert loss[row].item() == pytest.approx(one.item(), rel=1e-6, abs=1e-7)
        total = total + one
    expected = torch.autograd.grad(total, leaves, allow_unused=True)
    for one, other in zip(found, expected, strict=True):
        one, other = (torch.zeros(()) if x is None else x.nan_to_num(0.0) for x in (one, other))
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def chain_of(decoder: TagDecoder) -> tuple[Tensor, Tensor, Tensor]:
    masks = (decoder.start_mask, decoder.transition_mask, decoder.end_mask)
    learned = [torch.zeros(mask.shape) for mask in masks]
    if isinstance(decoder, CRF):
        learned = [decoder.start, decoder.transition, decoder.end]
    start, transition, end = (
        torch.where(mask, score.double(), -INF) for mask, score in zip(masks, learned, strict=True)
    )
    return start, transition, end


# Slots


@settings(max_examples=100, deadline=None)
@given(span_cases(most=25))
def test_slots_are_of_groups_that_nothing_tells_apart(case: SpanCase) -> None:
    groups = case.spans.groups
    going_on: dict[tuple[int, int, int, int], list[int]] = {}  # who is in a slot at a token
    for i, (sequence, label, start, exit_, slot) in enumerate(
        zip(groups.sequences, groups.labels, groups.starts, groups.exits, groups.slots, strict=True)
    ):
        for token in range(start, exit_):
            going_on.setdefault((sequence, label, slot, token), []).append(i)
    for (sequence, label, _, token), members in going_on.items():
        to_come = []
        for start in groups.starts[members]:
            own: dict[int, float] = {}
            for *place, end, _, w in [(s, y, b, e, y, w) for s, b, e, y, w in case.factors]:
                if place == [sequence, label, start] and end > token + 1:
                    own[end] = own.get(end, 0.0) + w
            to_come.append(own)
        assert all(own == to_come[0] for own in to_come)
        assert len(to_come) == 1 or set(to_come[0].values()) <= {-INF}
    assert sum(len(members) > 1 for members in going_on.values()) >= bool(groups.shares.any())


@settings(max_examples=100, deadline=None)
@given(span_cases(most=25))
def test_slots_are_as_few_as_possible(case: SpanCase) -> None:
    """Of finite scores, which share none."""
    finite = [(*place, w if w > -INF else 1.0) for *place, w in case.factors]
    spans = span_factors(case.scheme, finite)
    groups, going_on = spans.groups, Counter[tuple[int, int, int]]()
    for sequence, label, start, exit_ in zip(
        groups.sequences, groups.labels, groups.starts, groups.exits, strict=True
    ):
        going_on.update((sequence, label, token) for token in range(start, exit_))
    for label, needed in enumerate(spans.n_slots()):
        assert needed == max((n for (_, own, _), n in going_on.items() if own == label), default=0)


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_all_spans_of_some_words_need_one_slot(name: str) -> None:
    """And one more, for segments."""
    scheme = TagScheme(name, ["X", "Y"])
    blocks = [(0, i, j, 0, -INF) for i in range(100) for j in range(i + 1, 101)]
    assert span_factors(scheme, blocks).n_slots().tolist() == [2, 0]


def test_spans_of_two_tokens_everywhere_need_one_slot() -> None:
    scheme = TagScheme("BILOU", ["X"])
    spans = span_factors(scheme, [(0, i, i + 2, 0, 1.0) for i in range(50)])
    assert spans.n_slots().tolist() == [1]


def test_units_in_bilou_need_no_slot() -> None:
    scheme = TagScheme("BILOU", ["X", "Y"])
    spans = span_factors(scheme, [(0, 0, 1, 1, 1.0), (0, 2, 3, 1, -INF)])
    assert spans.n_slots().tolist() == [0, 0]
    assert spans.strongest().tolist() == [0, 1]


def test_of_very_many_spans_in_one_place_the_strongest_are_kept() -> None:
    scheme = TagScheme("BIO", ["X"])
    rng = np.random.default_rng(0)
    crowd = [(1, i, 300 - i, 0, float(w)) for i, w in enumerate(rng.normal(size=140))]
    crowd[3] = (1, 3, 297, 0, -INF)
    few = [(0, i, i + 3, 0, 0.001) for i in range(20)]
    spans = span_factors(scheme, few + crowd)
    kept = spans.chosen(spans.strongest())
    assert len(kept) < len(spans)
    assert kept.n_slots().tolist() == [MOST_SLOTS]
    assert (kept.sequences == 0).sum() == len(few)  # other sequences keep all
    strength = np.abs([w for *_, w in crowd])
    own = kept.scores[torch.from_numpy(kept.sequences == 1)].abs().numpy()
    assert sorted(own) == sorted(strength)[-len(own) :]
    assert own.max() == INF


def best_and_sum(
    emissions: Tensor, decoder: TagDecoder, scheme: TagScheme, blocked: set[tuple[int, int]]
) -> tuple[float, float]:
    """The best score and log Z by all spans of the one label in a semi-Markov recursion."""
    start, transition, end = chain_of(decoder)
    n = len(emissions)
    first, inside = int(scheme.first[0]), int(scheme.inside[0])
    last, unit = int(scheme.last[0]), int(scheme.unit[0])
    # of what ends before each token, by its last tag
    ways: list[dict[int, tuple[float, float]]] = [{} for _ in range(n + 1)]

    def add(at: int, tag: int, score: float, total: float) -> None:
        best, log_sum = ways[at].get(tag, (-INF, -INF))
        ways[at][tag] = (max(best, score), float(np.logaddexp(log_sum, total)))

    for i in range(n):
        arcs = [(i + 1, [0])]
        arcs += [(i + 1, [unit])] if (i, i + 1) not in blocked else []
        for j in range(i + 2, n + 1):
            if (i, j) not in blocked:
                arcs.append((j, [first, *[inside] * (j - i - 2), last]))
        for j, tags in arcs:
            inner = emissions[range(i, j), tags].sum() + transition[tags[:-1], tags[1:]].sum()
            before = [(start[tags[0]].item(), (0.0, 0.0))] if i == 0 else []
            before += [(transition[tag, tags[0]].item(), way) for tag, way in ways[i].items()]
            for score, (best, total) in before:
                add(j, tags[-1], best + score + inner.item(), total + score + inner.item())
    finals = [(end[tag].item(), way) for tag, way in ways[n].items()]
    return (
        max(score + best for score, (best, _) in finals),
        float(np.logaddexp.reduce([score + total for score, (_, total) in finals])),
    )


def test_more_ruled_out_spans_than_there_are_slots_for_others_are_exact() -> None:
    scheme = TagScheme("BILOU", ["X"])
    decoder = randomize(CRF.from_scheme(scheme), torch.Generator().manual_seed(0), 0.5)
    emissions = torch.randn(170, 5, generator=torch.Generator().manual_seed(1)).double()
    emissions[:, int(scheme.inside[0])] += 2.0  # long spans are the best ones
    rng = np.random.default_rng(0)
    blocked = {(i, int(j)) for i in range(80) for j in rng.integers(85, 171, size=20)}
    spans = span_factors(scheme, [(0, i, j, 0, -INF) for i, j in sorted(blocked)])
    assert spans.n_slots()[0] > MOST_SLOTS
    assert len(spans.strongest()) == len(spans)
    layout = Layout([len(emissions)])
    best, log_z = best_and_sum(emissions, decoder, scheme, blocked)
    lattice = decoder.lattice(emissions, layout, spans=spans)
    assert lattice.log_z.item() == pytest.approx(log_z, rel=1e-10)
    path = decoder.decode(emissions, layout, spans=spans)
    [(again, [log_prob])] = lattice.k_best(1)
    assert torch.equal(again[0], path)
    assert log_prob.item() == pytest.approx(best - log_z, abs=1e-8)
    assert not {span[:2] for span in decoded(scheme, path.tolist())} & blocked


def test_of_too_many_ruled_out_spans_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_factors_module, "MOST_SLOTS_RULED_OUT", MOST_SLOTS + 6)
    scheme = TagScheme("BIO", ["X"])
    crowd = [(0, i, 300 - i, 0, -INF) for i in range(140)]
    crowd += [(0, i, 301 - i, 0, 1.0) for i in range(140)]
    spans = span_factors(scheme, crowd)
    kept = spans.chosen(spans.strongest())
    assert kept.n_slots().tolist() == [MOST_SLOTS + 6]
    assert kept.ruled_out.sum() == MOST_SLOTS + 6


def test_spans_that_need_no_slot_are_kept_however_weak() -> None:
    scheme = TagScheme("BILOU", ["X"])
    crowd = [(0, i, 300 - i, 0, 5.0) for i in range(140)]
    single = [(0, i, i + 1, 0, 0.001) for i in range(130, 150)]
    spans = span_factors(scheme, single + crowd)
    kept = spans.strongest()
    assert kept[: len(single)].tolist() == list(range(len(single)))
    assert len(kept) < len(spans)
    assert spans.chosen(kept).n_slots().tolist() == [MOST_SLOTS]


def test_as_many_slots_as_labels_are_always_there() -> None:
    """One span that is no entity of any label, of very many."""
    scheme = TagScheme("BIO", [f"L{i}" for i in range(MOST_SLOTS + 9)])
    spans = span_factors(scheme, [(0, 2, 5, i, -INF) for i in range(len(scheme.labels))])
    assert spans.strongest().tolist() == list(range(len(spans)))
    decoder = CRF.from_scheme(scheme)
    emissions = torch.zeros(6, scheme.n_tags)
    emissions[2, scheme.first.tolist()] = 9.0
    emissions[3:5, scheme.inside.tolist()] = 9.0
    path = decoder.decode(emissions, Layout([6]), spans=spans)
    assert (2, 5) not in [span[:2] for span in decoded(scheme, path.tolist())]


def test_factors_of_some_sequences() -> None:
    scheme = TagScheme("BIO", ["X"])
    spans = span_factors(scheme, [(0, 0, 1, 0, 1.0), (2, 0, 2, 0, 2.0), (3, 1, 2, 0, 3.0)])
    some = spans.of_sequences(np.array([3, 1, 0]))
    assert some is not None
    assert (some.sequences.tolist(), some.scores.tolist()) == ([2, 0], [1.0, 3.0])
    assert spans.of_sequences(np.array([1, 7])) is None


def test_scores_that_overflow_at_a_temperature_are_refused() -> None:
    scheme = TagScheme("BIO", ["X"])
    spans = span_factors(scheme, [(0, 0, 1, 0, 1.0)])
    with pytest.raises(ValueError, match="too small: scores overflow"):
        CRF.from_scheme(scheme).lattice(
            torch.zeros(2, 3), Layout([2]), temperature=1e-310, spans=spans
        )


def test_a_long_sequence_equals_its_pieces() -> None:
    """Where all is O in between, for sequences that the recursions cut into chunks, too."""
    scheme = TagScheme("BILOU", ["X"])
    decoder = randomize(CRF.from_scheme(scheme), torch.Generator().manual_seed(0), 1.0)
    emissions = torch.randn(40, 5, generator=torch.Generator().manual_seed(1)).double()
    emissions[::10, 1:] = -INF
    factors = [(0, 2, 5, 0, 2.0), (0, 3, 5, 0, -INF), (0, 12, 19, 0, 1.0)]
    once = decoder.lattice(emissions, Layout([40]), spans=span_factors(scheme, factors))
    many_factors = [
        (0, s + 40 * i, e + 40 * i, y, w) for i in range(30) for _, s, e, y, w in factors
    ]
    spans = span_factors(scheme, many_factors)
    whole = decoder.lattice(emissions.repeat(30, 1), Layout([1200]), spans=spans)
    inner = whole.marginals().view(30, 40, 5)[1:-1, 1:31]
    expected = once.marginals()[1:31].expand_as(inner)
    torch.testing.assert_close(inner, expected, rtol=1e-9, atol=1e-12)
    path = decoder.decode(emissions.repeat(30, 1), Layout([1200]), spans=spans)
    assert torch.equal(path.view(30, 40)[1:-1, 1:31], path.view(30, 40)[1:2, 1:31].expand(28, 30))
