from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy import registry
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.gold import allowed_tags, register_annotated_labels
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
