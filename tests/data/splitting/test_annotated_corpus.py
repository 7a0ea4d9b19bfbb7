import hashlib
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.data.splitting.annotated_corpus import read_corpus
from tests.experiments.samples import write_corpus
from tests.pipeline.nested_toy import KEY, write_nested


def test_read_corpus_counts_entities(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "all.spacy", 0, 12)
    corpus = read_corpus(path)
    docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    assert len(corpus) == len(docs) == 12
    assert corpus.labels == ("Chemical", "Disease")
    assert corpus.counts.sum(axis=1).tolist() == [len(doc.ents) for doc in docs]
    assert corpus.n_entities([0, 3]) == len(docs[0].ents) + len(docs[3].ents)
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_corpus_writes_documents_as_they_were(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = []
    for text in ("Aspirin helps.", "  Nothing\n", "Ibuprofen"):
        doc = nlp.make_doc(text)
        doc.set_ents([Span(doc, 0, 1, "Chemical")], default="missing")
        doc.cats = {"long": 1.0}
        doc.spans["sc"] = [Span(doc, 0, 1, "Other")]
        doc.user_data["note"] = text
        doc[0].tag_ = "NN"
        docs.append(doc)
    path = tmp_path / "all.spacy"
    DocBin(attrs=["TAG", "ENT_IOB", "ENT_TYPE"], docs=docs, store_user_data=True).to_disk(path)
    read_corpus(path).write([2, 0], tmp_path / "some.spacy")
    written = list(DocBin().from_disk(tmp_path / "some.spacy").get_docs(Vocab()))
    for doc, original in zip(written, (docs[2], docs[0]), strict=True):
        assert doc.text == original.text
        assert [t.tag_ for t in doc] == [t.tag_ for t in original]
        assert [t.ent_iob_ for t in doc] == [t.ent_iob_ for t in original]
        assert [e.label_ for e in doc.ents] == ["Chemical"]
        assert doc.cats == original.cats
        assert [s.label_ for s in doc.spans["sc"]] == ["Other"]
        assert doc.user_data["note"] == original.text


def test_corpus_writes_no_user_data_where_there_was_none(tmp_path: Path) -> None:
    doc = Doc(Vocab(), words=["Aspirin"], ents=["B-Chemical"])
    DocBin(docs=[doc]).to_disk(tmp_path / "all.spacy")
    read_corpus(tmp_path / "all.spacy").write([0], tmp_path / "same.spacy")
    assert (tmp_path / "same.spacy").read_bytes() == (tmp_path / "all.spacy").read_bytes()


def test_read_corpus_joins_the_files_of_a_folder(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a.spacy", 0, 5)
    write_corpus(tmp_path / "b.spacy", 5, 9)
    corpus = read_corpus(tmp_path)
    numbers = [doc.user_data["number"] for doc in corpus.docs.get_docs(Vocab())]
    assert numbers == list(range(9))
    content = b"".join((tmp_path / name).read_bytes() for name in ("a.spacy", "b.spacy"))
    assert corpus.sha256 == hashlib.sha256(content).hexdigest()


def test_read_corpus_refuses_what_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no corpus at"):
        read_corpus(tmp_path / "nowhere.spacy")
    DocBin(docs=[Doc(Vocab(), words=["nothing"])]).to_disk(tmp_path / "empty.spacy")
    with pytest.raises(ValueError, match="has no annotated entities"):
        read_corpus(tmp_path / "empty.spacy")


def test_carve_takes_a_share_and_at_least_one(tmp_path: Path) -> None:
    corpus = read_corpus(write_corpus(tmp_path / "all.spacy", 0, 20))
    for n_docs, share, expected in [(20, 0.25, 5), (20, 0.01, 1), (2, 0.9, 1), (3, 0.99, 2)]:
        left, taken = corpus.carve(np.arange(n_docs), share, 0)
        assert len(taken) == expected
        assert sorted([*left, *taken]) == list(range(n_docs))
    with pytest.raises(ValueError, match="too few"):
        corpus.carve(np.arange(1), 0.1, 0)
    with pytest.raises(ValueError, match="--dev-share must be between 0 and 1"):
        corpus.carve(np.arange(20), 1.0, 0)


def test_rare_labels_names_those_in_few_documents(tmp_path: Path) -> None:
    corpus = read_corpus(write_corpus(tmp_path / "all.spacy", 0, 12))
    n_docs = dict(zip(corpus.labels, (corpus.counts > 0).sum(axis=0).tolist(), strict=True))
    assert corpus.rare_labels(min(n_docs.values())) == {}
    assert corpus.rare_labels(13) == n_docs


def test_read_corpus_joins_files_that_store_different_things(tmp_path: Path) -> None:
    words = ["Aspirin", "helps", "Ann"]
    starts: list[bool | int | None] = [True, False, True]
    bare = Doc(Vocab(), words, sent_starts=starts, ents=["B-X", "O", "B-Y"])
    linked = Doc(Vocab(), words, sent_starts=starts)
    linked.set_ents([Span(linked, 0, 1, "X", kb_id="Q1", span_id="T1")])
    attrs = ("SENT_START", "ENT_IOB", "ENT_TYPE")
    DocBin(attrs=attrs, docs=[bare]).to_disk(tmp_path / "a.spacy")
    DocBin(docs=[linked]).to_disk(tmp_path / "b.spacy")
    corpus = read_corpus(tmp_path)
    for order in ([0, 1], [1, 0]):
        corpus.write(order, tmp_path / "all.spacy")
        docs = list(DocBin().from_disk(tmp_path / "all.spacy").get_docs(Vocab()))
        for doc, original in zip(docs, [(bare, linked)[i] for i in order], strict=True):
            assert [t.text for t in doc] == words
            assert [t.is_sent_start for t in doc] == starts
            assert [t.ent_iob for t in doc] == [t.ent_iob for t in original]
            assert [(e.label_, e.kb_id_, e.id_) for e in doc.ents] == [
                (e.label_, e.kb_id_, e.id_) for e in original.ents
            ]


def test_read_corpus_names_the_file_of_another_format(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a.spacy", 0, 3)
    (tmp_path / "b.spacy").write_text("text")
    with pytest.raises(ValueError, match=r"b\.spacy is no \.spacy file"):
        read_corpus(tmp_path)


def test_read_corpus_counts_entities_of_a_group(tmp_path: Path) -> None:
    path = write_nested(tmp_path / "nested.spacy", 3)
    corpus = read_corpus(path, EntitySource(KEY))
    assert corpus.labels == ("LOC", "ORG")
    assert corpus.counts.tolist() == [[3, 2]] * 3 + [[0, 0]]
    assert read_corpus(path).counts.tolist() == [[1, 1]] * 3 + [[0, 0]]
    corpus.write([1], tmp_path / "one.spacy")
    assert read_corpus(tmp_path / "one.spacy", EntitySource(KEY)).counts.tolist() == [[3, 2]]
    with pytest.raises(ValueError, match=r"no annotated entities in doc\.spans\['other'\]"):
        read_corpus(path, EntitySource("other"))
