"""Groups of entities: which one each belongs to, and that each is counted once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.errors import find_errors
from spacy_ner_plus.evaluation.judged import judge
from spacy_ner_plus.evaluation.known_entities import KnownEntities, known_entities
from spacy_ner_plus.evaluation.schema import SliceGroup, Slices
from spacy_ner_plus.evaluation.slices import find_tokenizer, slices
from spacy_ner_plus.text.wordpieces import WordpieceTokenizer
from tests import tiny
from tests.evaluation.corpora import CORPORA, corpus
from tests.evaluation.docs import make_document


def slices_of(documents: list[Document], **given: Any) -> Slices:
    judged = judge(documents, [f for document in documents for f in find_errors(document)])
    return slices(*judged, **{"known": None, "tokenizer": None, **given})


def counts(groups: list[SliceGroup] | None) -> dict[str, tuple[int, ...]]:
    assert groups is not None
    return {g.group: (g.gold, g.found, g.predicted, g.correct) for g in groups}


@pytest.fixture(scope="module")
def tokenizer() -> WordpieceTokenizer:
    return WordpieceTokenizer(tiny.wordpiece())


@pytest.mark.parametrize("name", CORPORA)
def test_every_entity_is_in_one_group_of_each_slice(
    name: str, tokenizer: WordpieceTokenizer
) -> None:
    documents = corpus(name)
    known = KnownEntities({"t": {"Disease"}, "t t": {"X", "Y"}}, {"t"})
    found = slices_of(documents, known=known, tokenizer=tokenizer)
    n_right = sum(f.kind == "correct" for document in documents for f in find_errors(document))
    n_gold = sum(len(document.gold) for document in documents)
    n_predicted = sum(len(document.predicted) for document in documents)
    for groups in (
        found.seen,
        found.length,
        found.position,
        found.pieces,
        found.ambiguity,
    ):
        totals = np.sum(list(counts(groups).values()), axis=0)
        assert totals.tolist() == [n_gold, n_right, n_predicted, n_right]
        for group in groups:
            if group.gold:
                assert group.recall == group.found / group.gold
            if group.predicted:
                assert group.precision == group.correct / group.predicted


def test_length_and_position_are_in_tokens() -> None:
    lengths = [1, 2, 3, 4, 5, 6, 7, 20]
    starts = [0, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 5000]
    by_length = slices_of([make_document([(0, n, "A")], [], n_tokens=30) for n in lengths])
    assert counts(by_length.length) == {
        **{str(n): (1, 0, 0, 0) for n in (1, 2, 3, 4)},
        **dict.fromkeys(["5-6", "7+"], (2, 0, 0, 0)),
    }
    by_start = slices_of(
        [make_document([], [(start, start + 1, "A")], n_tokens=6000) for start in starts]
    ).position
    assert counts(by_start) == dict.fromkeys(
        ["0-63", "64-127", "128-255", "256-511", "512-1,023", "1,024+"], (0, 0, 2, 0)
    )
    assert {group.recall for group in by_start} == {None}


def test_entities_are_seen_by_their_exact_text() -> None:
    document = make_document(
        [(0, 1, "A"), (2, 3, "B"), (4, 6, "A")], [(0, 1, "A"), (2, 3, "A"), (4, 6, "B")]
    )
    document = replace(document, text="T t t t t t t t t t t t")
    found = slices_of([document], known=KnownEntities({"T": {"A", "B"}, "t": {"B"}}, {"t"}))
    assert counts(found.seen) == {
        "same label": (2, 1, 1, 1),
        "another label only": (0, 0, 1, 0),
        "unseen": (1, 0, 1, 0),
    }
    assert counts(found.ambiguity) == {
        "several labels": (1, 1, 1, 1),
        "one label or no entity": (1, 0, 1, 0),
        "unseen": (1, 0, 1, 0),
    }


def test_ambiguous_texts_are_parted_from_others() -> None:
    document = make_document([(i, i + 1, "A") for i in (0, 2, 4, 6, 8, 10)], [], n_tokens=12)
    document = replace(document, text=" ".join("axbxcxdxexfx"), token_starts=tuple(range(0, 24, 2)))
    known = KnownEntities(
        {"a": {"A"}, "b": {"A", "B"}, "c": {"B"}, "d": {"A", "B"}, "e": set()}, {"c", "d"}
    )
    assert counts(slices_of([document], known=known).ambiguity) == {
        "one label": (1, 0, 0, 0),
        "several labels": (1, 0, 0, 0),
        "one label or no entity": (1, 0, 0, 0),
        "several labels or no entity": (1, 0, 0, 0),
        "unseen": (2, 0, 0, 0),
    }
    assert slices_of([document]).ambiguity is None


def test_pieces_are_those_that_lie_in_the_entity(tokenizer: WordpieceTokenizer) -> None:
    words = ["aspirin", "in", "hyperparathyroidism", "(", "x"]
    starts = [sum(len(w) + 1 for w in words[:i]) for i in range(len(words))]
    spans = [(0, 1), (1, 2), (2, 3), (0, 3), (3, 5)]
    document = make_document([(start, end, "A") for start, end in spans], [], n_tokens=5)
    document = replace(document, text=" ".join(words), token_starts=tuple(starts))
    n_pieces = [len(pieces) for pieces in tokenizer(words)]
    expected = {"1": 0, "1-2": 0, "2-3": 0, "over 3": 0}
    for start, end in spans:
        mean = sum(n_pieces[start:end]) / (end - start)
        most = dict(zip(expected, (1, 2, 3, 99), strict=True))
        expected[next(group for group in most if mean <= most[group])] += 1
    groups = slices_of([document], tokenizer=tokenizer).pieces
    found = {group: n_gold for group, (n_gold, *_) in counts(groups).items()}
    assert found == {group: n for group, n in expected.items() if n}
    assert len(found) > 1


def test_known_entities_are_read_from_ents_or_a_group_of_spans(tmp_path: Path) -> None:
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=["Aspirin", "helps", "aspirin"])
    doc.ents = [Span(doc, 0, 1, "A"), Span(doc, 2, 3, "B")]
    doc.spans["nested"] = [Span(doc, 0, 2, "C"), Span(doc, 0, 1, "B")]
    bare = Doc(vocab, words=["nothing"])
    DocBin(docs=[doc, bare]).to_disk(tmp_path / "a.spacy")
    DocBin(docs=[doc]).to_disk(tmp_path / "b.spacy")
    assert known_entities(tmp_path).labels == {"Aspirin": {"A"}, "aspirin": {"B"}}
    assert known_entities(tmp_path / "a.spacy", EntitySource("nested")).labels == {
        "Aspirin helps": {"C"},
        "Aspirin": {"B"},
    }
    with pytest.raises(ValueError, match="There is no corpus"):
        known_entities(tmp_path / "none.spacy")


def test_known_entities_that_are_no_entity_elsewhere(tmp_path: Path) -> None:
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=["New", "York", "in", "New", "York", "May", "May", "York"])
    doc.ents = [Span(doc, 0, 2, "A"), Span(doc, 5, 6, "B"), Span(doc, 7, 8, "C")]
    unknown = Doc(vocab, words=["May", "York"])
    unknown.set_ents([], missing=[unknown[0:2]])
    DocBin(docs=[doc, unknown]).to_disk(tmp_path / "a.spacy")
    known = known_entities(tmp_path)
    assert known.labels == {"New York": {"A"}, "May": {"B"}, "York": {"C"}}
    # York is only within the other
    assert known.unlabelled == {"New York", "May"}


def test_a_document_that_is_not_annotated_for_a_label_does_not_say_it_is_none(
    tmp_path: Path,
) -> None:
    register_annotated_labels()
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=["May", "Ford", "Ford"])
    doc.set_ents([Span(doc, 0, 1, "A"), Span(doc, 1, 2, "A"), Span(doc, 2, 3, "B")])
    doc.spans["nested"] = list(doc.ents)
    only_a = Doc(vocab, words=["May", "Ford"])
    only_a.set_ents([], default="outside")
    only_a._.annotated_labels = ["A"]
    DocBin(docs=[doc, only_a], store_user_data=True).to_disk(tmp_path / "a.spacy")
    assert known_entities(tmp_path).unlabelled == {"May"}  # Ford may be B there
    assert (
        known_entities(tmp_path, EntitySource("nested")).unlabelled == set()
    )  # it has no such group


def test_tokenizer_is_that_of_the_encoder(random_model: Path) -> None:
    nlp = spacy.load(random_model)
    assert find_tokenizer(nlp) is nlp.get_pipe("ner_plus").shim.tokenizer
    other = spacy.blank("en")
    other.add_pipe("sentencizer")
    other.add_pipe("ner")
    assert find_tokenizer(other) is None


def test_a_network_of_words_has_no_wordpieces() -> None:
    saved = Path(__file__).parents[1] / "pipeline" / "saved" / "0.4.0"
    assert find_tokenizer(spacy.load(saved / "token-tagger")) is None
    assert find_tokenizer(spacy.load(saved / "bilou-crf")) is not None
