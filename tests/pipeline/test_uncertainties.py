"""How undecided a tagger is, against the enumeration of all readings."""

import math

import numpy as np
import pytest
import torch
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Tagger, make_decoder
from spacy_ner_plus.pipeline.capabilities import SURE
from spacy_ner_plus.pipeline.ner_plus.uncertainties import uncertainties_of_parts
from spacy_ner_plus.tags import TagScheme
from tests.models.test_losses import path_score
from tests.oracles import valid_paths

VOCAB = Vocab()


@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_all_figures_of_whole_texts_are_those_of_all_readings(name: str, use_crf: bool) -> None:
    scheme = TagScheme(name, ["X", "Y"] if name == "BIO" else ["X"])
    generator = torch.Generator().manual_seed(0)
    decoder = make_decoder(scheme, use_crf=use_crf).double()
    for parameter in decoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    lengths = [4, 3]
    scores = torch.randn(7, scheme.n_tags, generator=generator, dtype=torch.float64)
    docs = [Doc(VOCAB, ["a"] * 4), Doc(VOCAB, ["a", " ", "b", "c"]), Doc(VOCAB, [" "])]
    rows = [np.arange(4), np.array([0, 2, 3]), np.zeros(0, dtype=np.int64)]
    tagger = Tagger(decoder, scheme, Calibration())
    found = uncertainties_of_parts(tagger, Emissions(scores, rows), [[doc] for doc in docs])
    assert found[2] == [SURE]
    for [its], own in zip(found[:2], scores.split(lengths), strict=True):
        paths = valid_paths(scheme, len(own))
        every = torch.stack([path_score(decoder, own, path) for path in paths]).detach()
        log_probs = every.log_softmax(0)
        best, second = log_probs.topk(2).values.tolist()
        assert (its.n_tokens, its.log_prob) == (len(own), pytest.approx(best))
        assert its.second_log_prob == pytest.approx(second)
        probabilities = log_probs.exp()
        assert its.entropy == pytest.approx(-(probabilities * log_probs).sum().item())
        spans = [spans_of(scheme, path) for path in paths]
        top = spans[int(log_probs.argmax())]
        errors = sum(
            p * (len(top - one) + len(one - top))
            for p, one in zip(probabilities.tolist(), spans, strict=True)
        )
        assert its.expected_errors == pytest.approx(errors)


def spans_of(scheme: TagScheme, path: tuple[int, ...]) -> set[tuple[int, int, int]]:
    columns = scheme.decode(np.array(path))
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_parts_are_what_readings_of_parts_are() -> None:
    """Sums over all readings of the whole that agree on the part."""
    scheme = TagScheme("BIO", ["X"])
    decoder = make_decoder(scheme, use_crf=True).double()
    scores = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    doc = Doc(VOCAB, ["a"] * 5)
    tagger = Tagger(decoder, scheme, Calibration())
    emissions = Emissions(scores, [np.arange(5)])
    [[first, second]] = uncertainties_of_parts(tagger, emissions, [[doc[:2], doc[2:]]])
    paths = valid_paths(scheme, 5)
    log_probs = torch.stack([path_score(decoder, scores, path) for path in paths]).log_softmax(0)
    for its, (start, end) in ((first, (0, 2)), (second, (2, 5))):
        sums: dict[tuple[int, ...], float] = {}
        for path, log_prob in zip(paths, log_probs.tolist(), strict=True):
            sums[path[start:end]] = sums.get(path[start:end], 0.0) + math.exp(log_prob)
        ordered = sorted(sums.values(), reverse=True)
        assert math.exp(its.log_prob) == pytest.approx(ordered[0])
        assert math.exp(its.second_log_prob) == pytest.approx(ordered[1])
        assert its.entropy == pytest.approx(-sum(p * math.log(p) for p in ordered))
        assert 0 <= its.expected_errors <= 2 * (end - start)
