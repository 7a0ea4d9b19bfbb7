import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.models.decoding import emissions as emissions_module
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.nn.crf import CRF, TagDecoder
from spacy_ner_plus.tags import TagScheme
from tests.oracles import (
    crf_brute_force_best_path,
    crf_brute_force_log_z,
    crf_brute_force_span_log_prob,
)

SCHEMES = [TagScheme("BIO", ["X", "Y"]), TagScheme("BILOU", ["X", "Y"]), TagScheme("BILOU", ["X"])]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: f"{s.name}{s.n_tags}")
each_decoder = pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])


@dataclass
class Case:
    """Random documents, some without rows, in which not every token has a row."""

    decoder: TagDecoder
    emissions: Emissions
    rng: np.random.Generator

    def chain(self) -> tuple[Tensor, Tensor, Tensor]:
        """Start, transition and end scores for the oracles."""
        masks = self.decoder.start_mask, self.decoder.transition_mask, self.decoder.end_mask
        if isinstance(self.decoder, CRF):
            scores = [self.decoder.start, self.decoder.transition, self.decoder.end]
        else:
            scores = [torch.zeros(mask.shape) for mask in masks]
        return tuple(
            torch.where(mask, score.detach().double(), -math.inf)
            for mask, score in zip(masks, scores, strict=True)
        )

    def docs(self) -> list[Tensor]:
        return [x.double() for x in self.emissions.scores.split(self.emissions.lengths.tolist())]


def make_case(scheme: TagScheme, use_crf: bool, seed: int, *, most: int = 4, n: int = 5) -> Case:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    decoder = make_decoder(scheme, use_crf=use_crf)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    lengths = rng.integers(0, most + 1, n)
    row_tokens = [np.sort(rng.choice(9, length, replace=False)) for length in lengths]
    scores = 2 * torch.randn(int(lengths.sum()), scheme.n_tags)
    return Case(decoder, Emissions(scores, row_tokens), rng)


def entity_tags(scheme: TagScheme, label: int, n_tokens: int) -> list[int]:
    if n_tokens == 1:
        return [int(scheme.unit[label])]
    middle = [int(scheme.inside[label])] * (n_tokens - 2)
    return [int(scheme.first[label]), *middle, int(scheme.last[label])]


@each_scheme
@each_decoder
def test_decode_finds_the_best_entities_and_their_probabilities(
    scheme: TagScheme, use_crf: bool
) -> None:
    n_found = 0
    for seed in range(4):
        case = make_case(scheme, use_crf, seed)
        with pytest.MonkeyPatch.context() as patch:
            # also in several groups
            patch.setattr(emissions_module, "MAX_CELLS", 8 if seed % 2 else 1 << 18)
            found = Tagger(case.decoder, scheme).decode(case.emissions)
        assert len(found) == len(case.emissions.row_tokens)
        for entities, scores, tokens in zip(
            found, case.docs(), case.emissions.row_tokens, strict=True
        ):
            if not len(tokens):
                assert len(entities) == 0
                continue
            best = crf_brute_force_best_path(scores, *case.chain())
            starts, ends, labels = scheme.decode(np.array(best))
            assert entities.starts.tolist() == tokens[starts].tolist()
            assert entities.ends.tolist() == (tokens[ends - 1] + 1).tolist()
            assert entities.labels.tolist() == labels.tolist()
            for start, end, label, probability in zip(
                starts, ends, labels, entities.probabilities, strict=True
            ):
                expected = crf_brute_force_span_log_prob(
                    scores,
                    *case.chain(),
                    (int(start), int(end)),
                    entity_tags(scheme, int(label), int(end - start)),
                    int(scheme.inside[label]),
                ).exp()
                assert probability == pytest.approx(float(expected), abs=1e-6)
                n_found += 1
    assert n_found > 5


@each_decoder
def test_decode_of_no_docs_and_of_docs_without_rows(use_crf: bool) -> None:
    scheme = SCHEMES[0]
    tagger = Tagger(make_decoder(scheme, use_crf=use_crf), scheme)
    nothing = np.zeros(0, dtype=np.int64)
    assert tagger.decode(Emissions(torch.zeros(0, 5), [])) == []
    found = tagger.decode(Emissions(torch.zeros(0, 5), [nothing, nothing]))
    assert [len(entities) for entities in found] == [0, 0]


@each_decoder
def test_decode_without_labels_finds_nothing(use_crf: bool) -> None:
    scheme = TagScheme("BIO", [])
    emissions = Emissions(torch.randn(3, 1), [np.arange(3)])
    (found,) = Tagger(make_decoder(scheme, use_crf=use_crf), scheme).decode(emissions)
    assert len(found) == 0


def test_decode_of_an_entity_over_tokens_without_rows() -> None:
    scheme = TagScheme("BIO", ["X"])
    scores = torch.full((3, 3), -9.0)
    scores[[0, 1, 2], [1, 2, 0]] = 9.0
    emissions = Emissions(scores, [np.array([2, 5, 6])])
    (found,) = Tagger(make_decoder(scheme, use_crf=False), scheme).decode(emissions)
    assert (found.starts.tolist(), found.ends.tolist()) == ([2], [6])
    assert 0.999 < found.probabilities[0] <= 1.0


@each_decoder
def test_decode_puts_probabilities_through_the_calibration(use_crf: bool) -> None:
    """The temperature divides scores and transitions; the line acts on the log odds after that."""
    scheme = SCHEMES[1]
    case = make_case(scheme, use_crf, 3, most=6)
    plain = Tagger(case.decoder, scheme, Calibration(2.0)).decode(case.emissions)
    lined = Tagger(case.decoder, scheme, Calibration(2.0, slope=0.5, intercept=1.0))
    n_found = 0
    for scores, before, after, tokens in zip(
        case.docs(), plain, lined.decode(case.emissions), case.emissions.row_tokens, strict=True
    ):
        starts = np.searchsorted(tokens, before.starts)
        ends = np.searchsorted(tokens, before.ends - 1) + 1
        for i, (start, end, label) in enumerate(zip(starts, ends, before.labels, strict=True)):
            expected = crf_brute_force_span_log_prob(
                scores / 2,
                *(part / 2 for part in case.chain()),
                (int(start), int(end)),
                entity_tags(scheme, int(label), int(end - start)),
                int(scheme.inside[label]),
            ).exp()
            assert before.probabilities[i] == pytest.approx(float(expected), abs=1e-9)
            odds = (expected / (1 - expected)) ** 0.5 * math.e
            assert after.probabilities[i] == pytest.approx(float(odds / (1 + odds)), abs=1e-9)
            n_found += 1
    assert n_found > 3


def random_allowed(case: Case, scheme: TagScheme) -> list[np.ndarray]:
    """A valid tag sequence of each Doc, of which some tokens are forgotten."""
    allowed = []
    for scores in case.docs():
        permitted = np.zeros((len(scores), scheme.n_tags), dtype=bool)
        if len(scores):
            noise = torch.from_numpy(case.rng.normal(size=scores.shape))
            path = crf_brute_force_best_path(noise, *case.chain())
            permitted[np.arange(len(path)), path] = True
            permitted[case.rng.random(len(path)) < 0.4] = True
        allowed.append(permitted)
    return allowed


def mean_loss(case: Case, emissions: Emissions, allowed: list[np.ndarray]) -> float:
    losses, _ = loss_and_gradient(case.decoder, emissions, allowed)
    n_annotated = sum(int((~permitted.all(axis=1)).sum()) for permitted in allowed)
    return float(losses.sum()) / max(1, n_annotated)


@each_scheme
@each_decoder
def test_loss_and_gradient_equal_brute_force_and_finite_differences(
    scheme: TagScheme, use_crf: bool
) -> None:
    for seed in range(3):
        case = make_case(scheme, use_crf, seed, n=4)
        case.emissions = Emissions(case.emissions.scores.double(), case.emissions.row_tokens)
        allowed = random_allowed(case, scheme)
        case.decoder.zero_grad()
        losses, gradient = loss_and_gradient(case.decoder, case.emissions, allowed)
        assert gradient.shape == case.emissions.scores.shape
        learned = [parameter.grad.clone() for parameter in case.decoder.parameters()]

        if use_crf:
            for loss, scores, permitted in zip(losses, case.docs(), allowed, strict=True):
                if len(scores):
                    inside = crf_brute_force_log_z(
                        scores, *case.chain(), torch.from_numpy(permitted)
                    )
                    log_z = crf_brute_force_log_z(scores, *case.chain())
                    assert loss == pytest.approx(float(log_z - inside), abs=1e-9)

        # along random directions of the scores, and of the decoder's own parameters
        for _ in range(3):
            direction = torch.randn_like(gradient)
            moves = [torch.randn_like(grad) for grad in learned]
            sides = []
            for step in (1e-4, -1e-4):
                moved = Emissions(
                    case.emissions.scores + step * direction, case.emissions.row_tokens
                )
                for parameter, move in zip(case.decoder.parameters(), moves, strict=True):
                    parameter.data = parameter.data.double() + step * move
                sides.append(mean_loss(case, moved, allowed))
                for parameter, move in zip(case.decoder.parameters(), moves, strict=True):
                    parameter.data -= step * move
            slope = (gradient * direction).sum().item()
            slope += sum((g * m).sum().item() for g, m in zip(learned, moves, strict=True))
            assert slope == pytest.approx((sides[0] - sides[1]) / 2e-4, abs=1e-5)


@each_decoder
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_loss_of_missing_annotation_is_zero_and_teaches_nothing(use_crf: bool, seed: int) -> None:
    scheme = SCHEMES[0]
    case = make_case(scheme, use_crf, seed)
    allowed = random_allowed(case, scheme)
    unknown = int(case.rng.integers(len(allowed)))
    allowed[unknown][:] = True
    losses, gradient = loss_and_gradient(case.decoder, case.emissions, allowed)
    rows = gradient.split(case.emissions.lengths.tolist())
    assert losses[unknown] == pytest.approx(0, abs=1e-6)
    assert rows[unknown].abs().sum().item() == pytest.approx(0, abs=1e-5)
    for loss, permitted in zip(losses, allowed, strict=True):
        assert (loss > 1e-9) == (not permitted.all())


@each_decoder
def test_loss_of_nothing_known_at_all(use_crf: bool) -> None:
    case = make_case(SCHEMES[0], use_crf, 3)
    allowed = [np.ones((n, 5), dtype=bool) for n in case.emissions.lengths]
    losses, gradient = loss_and_gradient(case.decoder, case.emissions, allowed)
    torch.testing.assert_close(torch.from_numpy(losses), torch.zeros(5).double())
    torch.testing.assert_close(gradient, torch.zeros_like(case.emissions.scores))
    nothing = np.zeros((0, 5), dtype=bool)
    empty = Emissions(torch.zeros(0, 5), [nothing[:, 0].astype(np.int64)])
    losses, gradient = loss_and_gradient(case.decoder, empty, [nothing])
    assert (losses.tolist(), gradient.shape) == ([0.0], (0, 5))


@each_decoder
def test_loss_of_a_doc_does_not_depend_on_the_others(use_crf: bool) -> None:
    case = make_case(SCHEMES[1], use_crf, 5, n=6)
    allowed = random_allowed(case, SCHEMES[1])
    together, _ = loss_and_gradient(case.decoder, case.emissions, allowed)
    for doc, scores in enumerate(case.docs()):
        alone = Emissions(scores.float(), [case.emissions.row_tokens[doc]])
        losses, _ = loss_and_gradient(case.decoder, alone, [allowed[doc]])
        assert losses[0] == pytest.approx(together[doc], abs=1e-6)


@each_decoder
def test_loss_of_a_contradiction_is_infinite(use_crf: bool) -> None:
    """The caller names the document."""
    scheme = SCHEMES[0]
    emissions = Emissions(torch.randn(3, 5), [np.arange(1), np.arange(2)])
    allowed = [np.eye(5, dtype=bool)[[0]], np.zeros((2, 5), dtype=bool)]
    losses, _ = loss_and_gradient(make_decoder(scheme, use_crf=use_crf), emissions, allowed)
    assert losses[1] == math.inf


def test_loss_takes_what_predict_gives() -> None:
    case = make_case(SCHEMES[0], True, 1)
    allowed = random_allowed(case, SCHEMES[0])
    expected = loss_and_gradient(case.decoder, case.emissions, allowed)
    with torch.inference_mode():
        predicted = Emissions(case.emissions.scores * 1, case.emissions.row_tokens)
    losses, gradient = loss_and_gradient(case.decoder, predicted, allowed)
    assert losses.tolist() == expected[0].tolist()
    torch.testing.assert_close(gradient, expected[1])


def test_make_decoder_knows_what_the_scheme_permits() -> None:
    for scheme in SCHEMES:
        for use_crf, kind in ((True, CRF), (False, TagDecoder)):
            decoder = make_decoder(scheme, use_crf=use_crf)
            assert type(decoder) is kind
            assert decoder.start_mask.tolist() == scheme.starts.tolist()
            assert decoder.transition_mask.tolist() == scheme.transitions.tolist()
            assert decoder.end_mask.tolist() == scheme.ends.tolist()
