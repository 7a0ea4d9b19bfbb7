"""Entities that other components touch, before ner_plus reads the Doc or after it."""

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.doc_records import to_record
from tests.pipeline.samples import TEXTS, add_ner_plus, found_in, probabilities

Scored = list[tuple[int, int, str, float]]
TEXT = TEXTS[0]  # 4 entities of one word each
DRUG = "tetrandrine"  # the first of them
MODES = ("keep", "constrain", "overwrite")


def group_of(doc: Doc, key: str = "ner_plus") -> Scored:
    """The spans of a group in characters, with their scores."""
    group = doc.spans[key]
    scores = np.asarray(group.attrs["scores"]).tolist()
    return [
        (span.start_char, span.end_char, span.label_, score)
        for span, score in zip(group, scores, strict=True)
    ]


def with_ruler(nlp: Language, label: str, *, before: bool = False, **config: Any) -> Language:
    where = {"before": "ner_plus"} if before else {}
    ruler = nlp.add_pipe("entity_ruler", config=config, **where)
    ruler.add_patterns([{"label": label, "pattern": DRUG, "id": "D1"}])
    return nlp


def ent(doc: Doc, text: str = DRUG) -> Span:
    return next(ent for ent in doc.ents if ent.text == text)


# Retokenising


WAYS_ON: dict[str, Callable[[Doc], Doc]] = {
    "copy": lambda doc: doc.copy(),
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "DocBin": lambda doc: next(DocBin(docs=[doc]).get_docs(doc.vocab)),
}


@Language.component("merge_free_words")
def merge_free_words(doc: Doc) -> Doc:
    """Merges the first two words that are no entities, so that all behind them count otherwise."""
    first = next(i for i in range(len(doc)) if not any(t.ent_type for t in doc[i : i + 2]))
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[first : first + 2])
    return doc


@pytest.mark.parametrize("merger", ["merge_entities", "merge_free_words"])
def test_group_stays_on_its_words_when_tokens_are_merged(
    own_trained: Language, merger: str
) -> None:
    plain = own_trained(TEXTS[7])
    assert any(len(span) > 1 for span in plain.spans["ner_plus"])
    own_trained.add_pipe(merger)
    doc = own_trained(TEXTS[7])
    assert len(doc) < len(plain)
    assert group_of(doc) == group_of(plain)
    for name, way in WAYS_ON.items():
        assert group_of(way(doc)) == group_of(plain), name
    characters = [(start, end, label) for start, end, label, _ in group_of(plain)]
    # these lose attributes of groups, and so the scores
    for again in (Doc(doc.vocab).from_json(doc.to_json()), Doc.from_docs([doc])):
        found = [(s.start_char, s.end_char, s.label_) for s in again.spans["ner_plus"]]
        assert found == characters


@pytest.mark.slow
def test_merged_docs_come_back_from_processes(own_trained: Language) -> None:
    texts = [TEXTS[0], TEXTS[7]]
    expected = [group_of(doc) for doc in own_trained.pipe(texts)]
    own_trained.add_pipe("merge_entities")
    docs = own_trained.pipe(texts, n_process=2, batch_size=1)
    assert [group_of(doc) for doc in docs] == expected


# Probabilities and ids


def relabelled_by_hand(nlp: Language) -> Doc:
    doc = nlp(TEXT)
    first = ent(doc)
    doc.ents = [Span(doc, first.start, first.end, "BRAND"), *doc.ents[1:]]
    return doc


def relabelled_by_ruler(nlp: Language) -> Doc:
    return with_ruler(nlp, "BRAND", overwrite_ents=True)(TEXT)


@pytest.mark.parametrize("relabel", [relabelled_by_hand, relabelled_by_ruler])
def test_entity_of_others_has_no_probability(
    own_trained: Language, relabel: Callable[[Language], Doc]
) -> None:
    before = probabilities(own_trained(TEXT))
    doc = relabel(own_trained)
    assert [e.label_ for e in doc.ents] == ["BRAND", "Chemical", "Disease", "Disease"]
    assert probabilities(doc) == [None, *before[1:]]
    assert group_of(doc)[0][2] == "Chemical"  # the group is what the model found
    assert [span.probability for span in to_record(doc).spans or ()] == [None, *before[1:]]


@pytest.mark.parametrize("existing_ents", MODES)
def test_entities_that_were_there_keep_what_is_theirs_alone(
    trained_dir: Path, existing_ents: str
) -> None:
    override = {"components.ner_plus.existing_ents": existing_ents}
    nlp = spacy.load(trained_dir, config=override)
    expected = probabilities(nlp(TEXT))
    doc = with_ruler(nlp, "Chemical", before=True)(TEXT)
    assert found_in(doc) == found_in(spacy.load(trained_dir)(TEXT))
    if existing_ents == "overwrite":
        assert (ent(doc).ent_id_, ent(doc).kb_id_) == ("", "")
        assert probabilities(doc) == expected
    else:
        assert ent(doc).ent_id_ == "D1"
        assert probabilities(doc)[0] is None and None not in probabilities(doc)[1:]
    assert all((e.ent_id_, e.kb_id_) == ("", "") for e in doc.ents[1:])


def test_nothing_is_left_of_what_was_replaced(trained_dir: Path) -> None:
    nlp = spacy.load(trained_dir, config={"components.ner_plus.existing_ents": "overwrite"})
    doc = nlp.make_doc(TEXT)
    foreign = Span(doc, 0, 2, "THING", kb_id="Q1", span_id="S1")
    doc.ents = [foreign]
    foreign._.probability = 0.25
    nlp.get_pipe("ner_plus")(doc)
    assert {(token.ent_id_, token.ent_kb_id_) for token in doc} == {("", "")}
    doc.ents = [Span(doc, 0, 2, "THING")]
    assert probabilities(doc) == [None]


# Reading a Doc again


@pytest.mark.parametrize("existing_ents", MODES)
def test_second_reading_finds_the_same_again(trained_dir: Path, existing_ents: str) -> None:
    override = {"components.ner_plus.existing_ents": existing_ents}
    nlp = spacy.load(trained_dir, config=override)
    for doc in nlp.pipe(TEXTS):
        first = found_in(doc), probabilities(doc), group_of(doc)
        again = nlp(doc)
        assert (found_in(again), probabilities(again), group_of(again)) == first
        stored = next(DocBin(docs=[doc]).get_docs(nlp.vocab))  # without probabilities
        stored = nlp(stored)
        assert (found_in(stored), probabilities(stored), group_of(stored)) == first


@pytest.mark.parametrize("existing_ents", ["keep", "constrain"])
def test_second_reading_leaves_entities_of_others(trained_dir: Path, existing_ents: str) -> None:
    override = {"components.ner_plus.existing_ents": existing_ents}
    nlp = with_ruler(spacy.load(trained_dir, config=override), "BRAND", before=True)
    doc = nlp(TEXT)
    first = found_in(doc), probabilities(doc), group_of(doc)
    assert ent(doc).label_ == "BRAND" and len(doc.ents) == 4
    again = nlp.get_pipe("ner_plus")(doc)
    assert (found_in(again), probabilities(again), group_of(again)) == first
    assert ent(again).ent_id_ == "D1"


def test_second_reading_follows_the_model(own_trained: Language) -> None:
    doc = own_trained(TEXT)
    own_trained.get_pipe("ner_plus").threshold = {"Chemical": 1.0}
    again = own_trained(doc)
    assert {e.label_ for e in again.ents} == {"Disease"} == {g[2] for g in group_of(again)}


# Two components


def test_two_components_with_one_key_are_noticed(own_trained: Language, encoder_dir: Path) -> None:
    with pytest.warns(UserWarning, match=r"'second' and 'ner_plus' both write to doc.spans"):
        add_ner_plus(own_trained, encoder_dir, pipe_name="second")
    own_trained.add_pipe("spancat", config={"spans_key": "third"})
    with pytest.warns(UserWarning, match="'fourth' and 'spancat' both"):
        add_ner_plus(own_trained, encoder_dir, pipe_name="fourth", spans_key="third")


@pytest.mark.parametrize("key", ["own", None])
def test_keys_of_their_own_are_fine(
    own_trained: Language, encoder_dir: Path, key: str | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        add_ner_plus(own_trained, encoder_dir, pipe_name="second", spans_key=key)
