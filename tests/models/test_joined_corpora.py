"""Corpora that are annotated for different types, as one: exact, by enumeration.

What a document says is which entities of its own types there are. Its likelihood is that of all
readings that have just these, whatever else they have.
"""

from itertools import product

import numpy as np
import pytest
import torch
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.annotation.gold import allowed_tags, register_annotated_labels
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import make_decoder
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.models.decoding.rejected import count_known, rejected_factors
from spacy_ner_plus.tags import TagScheme
from tests.models.test_losses import path_score
from tests.oracles import valid_paths

VOCAB = Vocab()
Place = tuple[int, int, str]


def make_example(
    n_words: int, ents: list[Place], types: list[str] | None, missing: list[int]
) -> Example:
    register_annotated_labels()
    words = [f"w{i}" for i in range(n_words)]
    reference = Doc(VOCAB, words)
    open_tokens = [reference[i : i + 1] for i in missing]
    spans = [Span(reference, *ent) for ent in ents]
    reference.set_ents(spans, missing=open_tokens, default="outside")
    reference._.annotated_labels = types
    return Example(Doc(VOCAB, words), reference)


def agrees(
    scheme: TagScheme,
    path: tuple[int, ...],
    ents: list[Place],
    types: list[str] | None,
    missing: list[int],
) -> bool:
    """Whether a reading has the known entities, and no other one of the types on known words."""
    columns = scheme.decode(np.array(path))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    spans = {(start, end, scheme.labels[label]) for start, end, label in rows}
    if not spans.issuperset(ents):
        return False
    others = [span for span in spans - set(ents) if types is None or span[2] in types]
    return all(set(range(start, end)) <= set(missing) for start, end, _ in others)


# By document: words, entities, the types that were looked for, words without annotation.
CORPUS: list[tuple[int, list[Place], list[str] | None, list[int]]] = [
    (4, [(1, 3, "X")], ["X"], []),
    (4, [(0, 1, "Y")], ["Y"], []),
    (3, [], ["X"], []),
    (4, [(1, 2, "Y")], ["Y"], [2, 3]),
    (3, [(0, 1, "X"), (2, 3, "Y")], None, []),
    (3, [(0, 1, "Y")], ["Y"], [2]),
]


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_a_corpus_of_halves_for_one_type_each_has_the_exact_likelihood(name: str) -> None:
    scheme = TagScheme(name, ["X", "Y"])
    corpus = CORPUS if name == "BIO" else [(3, *rest) for n, *rest in CORPUS if n == 3]
    generator = torch.Generator().manual_seed(0)
    decoder = make_decoder(scheme, use_crf=True).double()
    for parameter in decoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    lengths = [n for n, *_ in corpus]
    scores = torch.randn(sum(lengths), scheme.n_tags, generator=generator, dtype=torch.float64)
    examples = [make_example(*one) for one in corpus]
    rows = [np.arange(n) for n in lengths]
    allowed = [allowed_tags(eg, own, scheme) for eg, own in zip(examples, rows, strict=True)]
    losses, gradient = loss_and_gradient(decoder, Emissions(scores, rows), allowed)

    leaf = scores.clone().requires_grad_()
    expected = []
    for own, (n, ents, types, missing) in zip(leaf.split(lengths), corpus, strict=True):
        every, own_paths = [], []
        for path in valid_paths(scheme, n):
            every.append(path_score(decoder, own, path))
            if agrees(scheme, path, ents, types, missing):
                own_paths.append(every[-1])
        expected.append(torch.stack(every).logsumexp(0) - torch.stack(own_paths).logsumexp(0))
    np.testing.assert_allclose(losses, [one.item() for one in expected], rtol=0, atol=1e-9)
    n_known = count_known(allowed, None)
    [wanted] = torch.autograd.grad(torch.stack(expected).sum() / n_known, [leaf])
    torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-9)


def test_a_span_of_a_type_that_was_not_looked_for_may_be_known_to_be_wrong() -> None:
    """Beside the types that were: the readings with it are left out, and no others."""
    scheme = TagScheme("BIO", ["X", "Y"])
    decoder = make_decoder(scheme, use_crf=True).double()
    scores = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    n, ents, types, missing = CORPUS[0]
    allowed = [allowed_tags(make_example(n, ents, types, missing), np.arange(n), scheme)]
    wrong = [(3, 4, "Y"), (0, 1, "Y")]
    spans = [np.array([(s, e, scheme.labels.index(y)) for s, e, y in wrong])]
    factors = rejected_factors(spans, allowed, scheme, torch.device("cpu"))
    assert factors is not None and len(factors) == 2
    losses, _ = loss_and_gradient(decoder, Emissions(scores, [np.arange(n)], factors), allowed)
    every, own = [], []
    for path in valid_paths(scheme, n):
        every.append(path_score(decoder, scores, path))
        columns = (column.tolist() for column in scheme.decode(np.array(path)))
        found = {(s, e, scheme.labels[y]) for s, e, y in zip(*columns, strict=True)}
        if agrees(scheme, path, ents, types, missing) and found.isdisjoint(wrong):
            own.append(every[-1])
    expected = torch.stack(every).logsumexp(0) - torch.stack(own).logsumexp(0)
    np.testing.assert_allclose(losses, [expected.item()], rtol=0, atol=1e-9)


def test_softmax_sums_over_the_tags_of_other_types() -> None:
    scheme = TagScheme("BIO", ["X", "Y"])
    decoder = make_decoder(scheme, use_crf=False)
    scores = torch.randn(4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    example = make_example(4, [(1, 3, "X")], ["X"], [])
    allowed = [allowed_tags(example, np.arange(4), scheme)]
    losses, _ = loss_and_gradient(decoder, Emissions(scores, [np.arange(4)]), allowed)
    tags = [[0, 3, 4], [1], [2], [0, 3, 4]]  # O and those of Y; B-X and I-X
    paths = list(product(*tags))
    own = torch.stack([scores[range(4), path].sum() for path in paths]).logsumexp(0)
    expected = scores.logsumexp(1).sum() - own
    np.testing.assert_allclose(losses, [expected.item()], rtol=0, atol=1e-9)
