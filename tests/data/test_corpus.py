import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy import registry
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.gold import allowed_tags, register_annotated_labels
from spacy_ner_plus.data.augmenters.casing_noise import CasingNoise
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.tags import TagScheme


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two documents, the first with tokens that spaCy's tokenizer would split, and an empty one."""
    nlp = spacy.blank("en")
    words = ["Drug-induced", "hepatitis", "and", "MK-801."]
    doc = Doc(nlp.vocab, words=words, spaces=[True, True, True, False], sent_starts=[1, 0, 0, 0])
    doc.ents = [Span(doc, 1, 2, "Disease")]
    docs = [doc, Doc(nlp.vocab), nlp.make_doc("No entity  here.\n")]
    DocBin(docs=docs).to_disk(tmp_path / "a.spacy")
    return tmp_path / "a.spacy"


def test_corpus_keeps_reference_tokens_and_hides_annotation(corpus: Path) -> None:
    first, second = make_corpus_v1(corpus)(spacy.blank("en"))
    assert [token.text for token in first.predicted] == [t.text for t in first.reference]
    assert first.predicted.text == first.reference.text == "Drug-induced hepatitis and MK-801."
    assert not first.predicted.ents
    assert not first.predicted.has_annotation("ENT_IOB")
    assert not first.predicted.has_annotation("SENT_START")
    assert [(ent.text, ent.label_) for ent in first.reference.ents] == [("hepatitis", "Disease")]
    assert second.predicted.text == "No entity  here.\n"


def test_corpus_pipeline_tokens_are_those_of_the_tokenizer(corpus: Path) -> None:
    nlp = spacy.blank("en")
    first, _ = make_corpus_v1(corpus, tokens="pipeline")(nlp)
    expected = [token.text for token in nlp.make_doc(first.reference.text)]
    assert [token.text for token in first.predicted] == expected
    assert expected != [token.text for token in first.reference]
    assert first.get_aligned_ner()[3] == "U-Disease"


def test_corpus_reads_all_files_of_a_folder(corpus: Path) -> None:
    below = corpus.parent / "more"
    below.mkdir()
    (below / "b.spacy").write_bytes(corpus.read_bytes())
    assert len(list(make_corpus_v1(corpus.parent)(spacy.blank("en")))) == 4


def test_corpus_missing_or_unknown_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.spacy", tmp_path):
        with pytest.raises(ValueError, match=r"no corpus at .*ner-plus convert"):
            list(make_corpus_v1(path)(spacy.blank("en")))
    with pytest.raises(ValueError, match="tokens = 'words' is unknown"):
        make_corpus_v1(tmp_path, tokens="words")


def test_corpus_says_for_which_types_it_is_annotated(corpus: Path) -> None:
    nlp = spacy.blank("en")
    for example in make_corpus_v1(corpus, labels=["Disease"])(nlp):
        assert example.reference._.annotated_labels == ["Disease"]
        assert example.predicted._.annotated_labels is None
    for example in make_corpus_v1(corpus)(nlp):
        assert example.reference._.annotated_labels is None


def test_corpus_keeps_what_documents_say_themselves(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    register_annotated_labels()
    docs = [nlp.make_doc("One."), nlp.make_doc("Another.")]
    docs[0]._.annotated_labels = ["Chemical"]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "a.spacy")

    def read(**settings: list[str]) -> list[Sequence[str] | None]:
        examples = make_corpus_v1(tmp_path, **settings)(nlp)
        return [eg.reference._.annotated_labels for eg in examples]

    assert read() == [("Chemical",), None]  # storage makes a tuple of it
    assert read(labels=["Disease"]) == [["Disease"], ["Disease"]]


def test_corpus_labels_may_be_set_in_a_config(corpus: Path) -> None:
    reader = {"@readers": "spacy_ner_plus.Corpus.v1", "path": str(corpus), "labels": ["Disease"]}
    read = registry.resolve({"corpus": reader})["corpus"]
    nlp = spacy.blank("en")
    first, second = read(nlp)
    scheme = TagScheme("BIO", ["Chemical", "Disease"])
    rows = np.arange(4)
    assert allowed_tags(first, rows, scheme)[1].tolist() == [False, False, False, True, False]
    assert allowed_tags(first, rows, scheme)[2].tolist() == [True, True, True, False, False]
    assert not second.reference.ents


# Augmenters, rare types, order


def read_with(corpus: Path, **settings: object) -> list[tuple[list[str], list[str]]]:
    """The predicted tokens of each example, and the entities."""
    examples = make_corpus_v1(corpus, **settings)(spacy.blank("en"))  # type: ignore[arg-type]
    return [
        ([token.text for token in eg.predicted], [ent.text for ent in eg.reference.ents])
        for eg in examples
    ]


def test_augmented_documents_have_the_tokens_that_the_setting_says(corpus: Path) -> None:
    upper = CasingNoise(1.0, 1.0, forms=["upper"])
    words = [["DRUG-INDUCED", "HEPATITIS", "AND", "MK-801."]]
    words += [["NO", "ENTITY", " ", "HERE", ".", "\n"]]
    found = read_with(corpus, augmenter=upper)
    assert found == [(words[0], ["HEPATITIS"]), (words[1], [])]
    piped = read_with(corpus, augmenter=upper, tokens="pipeline")
    assert piped[0][0] == [t.text for t in spacy.blank("en").make_doc(" ".join(words[0]))]
    assert piped[0][0] != words[0]


def test_spacys_own_augmenter_acts_too(corpus: Path) -> None:
    lower = registry.augmenters.get("spacy.lower_case.v1")(level=1.0)
    found = read_with(corpus, augmenter=lower)
    assert found[0] == (["drug-induced", "hepatitis", "and", "mk-801."], ["hepatitis"])


def test_entities_that_the_pipelines_tokens_cut_are_told(
    corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["Drug", "s"], spaces=[False, False])
    doc.ents = [Span(doc, 0, 1, "Chemical")]
    DocBin(docs=[doc]).to_disk(corpus)
    upper = CasingNoise(1.0, 1.0, forms=["upper"])
    reader = make_corpus_v1(corpus, tokens="pipeline", augmenter=upper)
    assert len(list(reader(nlp))) == len(list(reader(nlp))) == 1
    told = [message for message in caplog.messages if "augmenter" in message]
    assert len(told) == 1  # not again at each pass
    assert "Of 1 documents that the augmenter has changed, 1 have 1 entities" in told[0]


@pytest.fixture
def unbalanced(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(f"Common{i}") for i in range(15)] + [nlp.make_doc("Rare")]
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, doc.text.rstrip("0123456789"))]
    DocBin(docs=docs).to_disk(tmp_path / "unbalanced.spacy")
    return tmp_path / "unbalanced.spacy"


def test_documents_with_rare_types_are_read_several_times(
    unbalanced: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="spacy_ner_plus")
    found = [text for _, [text] in read_with(unbalanced, oversample=0.5625)]
    assert found.count("Rare") == 3  # sqrt(0.5625 * 16)
    assert len(found) == 18
    assert "16 documents are read about 18 times; documents by type: Rare 1 -> 3" in caplog.text
    found = [text for _, [text] in read_with(unbalanced, oversample=0.5625, max_repeats=2)]
    assert found.count("Rare") == 2


def test_order_is_that_of_pythons_generator(unbalanced: Path) -> None:
    orders = []
    for seed in (0, 0, 1):
        random.seed(seed)
        orders.append([text for _, [text] in read_with(unbalanced, shuffle=True)])
    assert orders[0] == orders[1] != orders[2]
    plain = [text for _, [text] in read_with(unbalanced)]
    assert plain != orders[0]
    assert sorted(plain) == sorted(orders[0])
