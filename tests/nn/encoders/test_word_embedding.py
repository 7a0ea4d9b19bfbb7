import torch

from spacy_ner_plus.nn.encoders.word_embedding import WordEmbedding


def make(*, vector_width: int = 3, word_width: int = 2) -> WordEmbedding:
    torch.manual_seed(0)
    embedding = WordEmbedding(
        n_tuned=2,
        n_fixed=3,
        vector_width=vector_width,
        n_words=4,
        word_width=word_width,
        n_forms=5,
        n_suffixes=6,
    )
    with torch.no_grad():
        for parameter in embedding.parameters():
            parameter.normal_()
    return embedding


def test_each_word_has_its_vectors_or_those_of_unknown_words() -> None:
    embedding = make()
    word_rows, vector_rows = torch.tensor([0, 3, -1, -1, 2]), torch.tensor([1, 4, 2, -1, -1])
    unknown = embedding.unknown(torch.tensor([0, 1, 2, 3, 4]), torch.tensor([5, 4, 3, 2, 1]))
    found = embedding(word_rows, vector_rows, unknown)
    pretrained = torch.cat([embedding.tuned.weight, embedding.fixed.float()])
    for i, (word, vector) in enumerate(zip(word_rows, vector_rows, strict=True)):
        expected_vector = pretrained[vector] if vector >= 0 else unknown[i, :3]
        expected_word = embedding.learned.weight[word] if word >= 0 else unknown[i, 3:]
        assert torch.equal(found[i], torch.cat([expected_vector, expected_word]))
    expected = embedding.forms.weight[3] + embedding.suffixes.weight[2]
    assert torch.equal(unknown[3], expected)


def test_one_kind_of_vectors_alone() -> None:
    rows = torch.tensor([1, -1])
    for vector_width, word_width in ((3, 0), (0, 2)):
        embedding = make(vector_width=vector_width, word_width=word_width)
        unknown = embedding.unknown(torch.tensor([0, 1]), torch.tensor([0, 0]))
        found = embedding(rows, rows, unknown)
        table = embedding.tuned if vector_width else embedding.learned
        assert torch.equal(found[0], table.weight[1]) and torch.equal(found[1], unknown[1])


def test_fixed_rows_and_rows_of_no_word_have_no_gradient() -> None:
    embedding = make()
    unknown = embedding.unknown(torch.tensor([1, 1, 1]), torch.tensor([2, 2, 2]))
    embedding(torch.tensor([3, -1, -1]), torch.tensor([0, 3, -1]), unknown).sum().backward()
    assert embedding.fixed.grad is None
    for table, rows in ((embedding.tuned, [0]), (embedding.learned, [3]), (embedding.forms, [1])):
        gradient = table.weight.grad
        assert gradient is not None
        assert gradient.any(dim=1).nonzero().flatten().tolist() == rows
