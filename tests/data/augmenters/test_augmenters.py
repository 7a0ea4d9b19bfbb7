"""What must hold of all augmenters, whatever they do."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_ner_plus.annotation.unknown_group import INCORRECT_SPANS, unknown_tokens
from spacy_ner_plus.data.augmenters.casing_noise import CasingNoise
from spacy_ner_plus.data.augmenters.context_dropout import ContextDropout
from spacy_ner_plus.data.augmenters.diacritics_noise import DiacriticsNoise
from spacy_ner_plus.data.augmenters.doc_augmenter import REFUSED, TextAugmenter
from spacy_ner_plus.data.augmenters.graphemes import clusters
from spacy_ner_plus.data.augmenters.keyboard_typos import KeyboardTypos, neighbours, read_layout
from spacy_ner_plus.data.augmenters.mention_lists import MentionForm, MentionLists
from spacy_ner_plus.data.augmenters.mention_replacement import MentionReplacement
from spacy_ner_plus.data.augmenters.ocr_errors import OcrErrors, read_confusions
from spacy_ner_plus.data.augmenters.punctuation_noise import PunctuationNoise
from spacy_ner_plus.data.augmenters.rewritten_doc import REJECTED, passage_of, rewritten_doc
from spacy_ner_plus.data.augmenters.sentence_shuffling import SentenceShuffling
from spacy_ner_plus.data.augmenters.spacing_noise import KINDS, SpacingNoise
from spacy_ner_plus.data.augmenters.token_rewriting import NewToken, Rewriting, joined
from tests.data.augmenters.documents import (
    LABELS,
    NLP,
    content,
    documents,
    spans_of,
    states_of,
)


class ListedMentions(MentionLists):
    """Mentions that no file has."""

    by_label: Any = {  # noqa: RUF012
        "A": [MentionForm("heart failure", kb_id="D1"), MentionForm("x"), MentionForm("日本")],
        "B": [MentionForm("ibu-profen 25", ("ibu-profen", "25"), (True, False))],
    }


def replacing(level: float, p: float, seed: int | None) -> MentionReplacement:
    return MentionReplacement(level, p, seed, mentions=ListedMentions(None, gazetteer="none"))  # type: ignore[arg-type]


def spacing(level: float, p: float, seed: int | None) -> SpacingNoise:
    return SpacingNoise(level, p, seed, kinds=KINDS)


def diacritics(level: float, p: float, seed: int | None) -> DiacriticsNoise:
    return DiacriticsNoise(level, p, seed, kinds=("strip", "transcribe", "decompose"))


def typos(level: float, p: float, seed: int | None) -> KeyboardTypos:
    return KeyboardTypos(level, p, seed, spare_digits=False)


AUGMENTERS: dict[str, Callable[[float, float, int | None], TextAugmenter]] = {
    "keyboard": typos,
    "ocr": OcrErrors,
    "casing": CasingNoise,
    "diacritics": diacritics,
    "spacing": spacing,
    "punctuation": PunctuationNoise,
    "mentions": replacing,
    "context": ContextDropout,
    "sentences": SentenceShuffling,
}
each = pytest.mark.parametrize("name", AUGMENTERS)
few = settings(deadline=None, max_examples=15)
shares = st.sampled_from([0.1, 0.5, 1.0])


def changed(augmenter: TextAugmenter, doc: Doc, nlp: Language = NLP) -> Doc:
    [made] = augmenter.references(nlp, doc)
    return made


def rewriting_of(augmenter: TextAugmenter, doc: Doc) -> Rewriting:
    """What an augmenter with a seed does to a document."""
    chance = augmenter.chance(doc)
    chance.random()  # whether it is changed at all
    return augmenter.rewrite(passage_of(doc), chance, NLP)


@each
@few
@given(doc=documents(), p=shares, seed=st.integers(0, 99))
def test_each_entity_covers_what_its_tokens_became(
    name: str, doc: Doc, p: float, seed: int
) -> None:
    augmenter = AUGMENTERS[name](1.0, p, seed)
    rewriting = rewriting_of(augmenter, doc)
    made = changed(AUGMENTERS[name](1.0, p, seed), doc)
    if made is doc:
        return
    assert made.text == joined(rewriting.tokens)
    expected = []
    for place, start, end, label, kb_id in spans_of(doc):
        own = [i for i, t in enumerate(rewriting.tokens) if start <= t.first < t.end <= end]
        new_start, new_end = own[0], own[-1] + 1
        # all that stands for it, and what was added between
        covered = rewriting.tokens[new_start:new_end]
        assert [t for t in covered if t.first < t.end] == [rewriting.tokens[i] for i in own]
        text = joined(covered)
        assert made[new_start:new_end].text == (text[:-1] if covered[-1].has_space else text)
        is_other = (start, end) in rewriting.replaced
        new_id = rewriting.replaced[start, end] if is_other else kb_id
        expected.append((place, new_start, new_end, label, new_id))
    assert sorted(spans_of(made), key=repr) == sorted(expected, key=repr)


# What a token is that stands for some of each, of those outside of entities: blocked, missing, O.
STRONGEST = (3, 0, 2)


@each
@few
@given(doc=documents(), p=shares, seed=st.integers(0, 99))
def test_what_is_not_annotated_or_blocked_stays_so(
    name: str, doc: Doc, p: float, seed: int
) -> None:
    augmenter = AUGMENTERS[name](1.0, p, seed)
    rewriting = rewriting_of(augmenter, doc)
    made = changed(AUGMENTERS[name](1.0, p, seed), doc)
    if made is doc:
        return
    assert made._.annotated_labels == list(LABELS)
    assert made.cats == doc.cats
    assert np.array_equal(made.spans["sc"].attrs["scores"], doc.spans["sc"].attrs["scores"])
    old, new = states_of(doc), states_of(made)
    unknown, still = unknown_tokens(doc, "sc"), unknown_tokens(made, "sc")
    types = [(token.ent_iob, token.ent_type) for token in doc]
    for i, token in enumerate(rewriting.tokens):
        sources = range(token.first, token.end)
        in_none = {types[source][1] == 0 for source in sources}  # of doc.ents
        assert len(in_none) <= 1
        if in_none == {True}:
            # a mention of a group may have come in the place of several tokens
            assert new[i] == min((old[source] for source in sources), key=STRONGEST.index)
        assert all(still[i] or not unknown[source] for source in sources)


@each
@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_nothing_is_changed_with_level_or_p_of_0(name: str, doc: Doc, seed: int) -> None:
    for level, p in ((0.0, 1.0), (1.0, 0.0)):
        before = content(doc)
        assert changed(AUGMENTERS[name](level, p, seed), doc) is doc
        assert content(doc) == before


@each
@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_a_seed_gives_the_same_changes_wherever_a_document_stands(
    name: str, doc: Doc, seed: int
) -> None:
    one, other = AUGMENTERS[name](1.0, 0.5, seed), AUGMENTERS[name](1.0, 0.5, seed)
    other_doc = Doc(NLP.vocab, words=["something", "else"])
    list(other.references(NLP, other_doc))
    random.random()
    assert content(changed(one, doc)) == content(changed(other, doc))


@each
@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_without_a_seed_pythons_generator_decides(name: str, doc: Doc, seed: int) -> None:
    made = []
    for _ in range(2):
        random.seed(seed)
        made.append(content(changed(AUGMENTERS[name](1.0, 0.5, None), doc)))
    assert made[0] == made[1]


@each
@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_no_token_is_empty_or_has_a_space(name: str, doc: Doc, seed: int) -> None:
    for token in changed(AUGMENTERS[name](1.0, 1.0, seed), doc):
        assert token.text.isspace() or not any(map(str.isspace, token.text))
        assert token.text


def test_changes_are_made_and_counted() -> None:
    """So that the properties above are of something."""
    words = ["Naïve", "patients", "took", "aspirin", ".", "Then", "heart", "failure", "came", "."]
    spaces = [True] * len(words)
    doc = Doc(NLP.vocab, words, spaces, sent_starts=[i in (0, 5) for i in range(len(words))])
    doc.ents = [Span(doc, 3, 4, "B"), Span(doc, 6, 8, "A")]
    for name, make in AUGMENTERS.items():
        n_changed = 0
        for seed in range(10):
            augmenter = make(1.0, 1.0 if name == "sentences" else 0.5, seed)
            made = changed(augmenter, doc)
            n_changed += made is not doc
            assert augmenter.counts["documents"] == 1
            assert augmenter.counts["documents changed"] == (made is not doc)
            assert (augmenter.counts["edits"] > 0) == (made is not doc)
            assert augmenter.counts[REFUSED] == 0
            assert (made.text != doc.text) == (made is not doc)
        assert n_changed >= 2, name


def test_level_is_the_share_of_documents() -> None:
    doc = Doc(NLP.vocab, words=["aspirin"] * 20)
    augmenter = CasingNoise(0.3, 1.0, forms=["upper"])
    random.seed(0)
    n_changed = sum(changed(augmenter, doc) is not doc for _ in range(1000))
    assert 250 < n_changed < 350
    assert augmenter.counts["documents changed"] == n_changed


def test_p_is_the_share_of_places() -> None:
    doc = Doc(NLP.vocab, words=["aspirin"] * 500)
    augmenter = KeyboardTypos(1.0, 0.1, 0, kinds=["replace"])
    changed(augmenter, doc)
    assert 290 < augmenter.counts["edits"] < 410  # of 3,500


def test_a_change_that_would_lose_an_entity_is_refused_and_counted() -> None:
    class Losing(TextAugmenter):
        def rewrite(self, passage: Any, chance: Any, nlp: Any) -> Rewriting:
            return Rewriting([passage.kept(0), passage.kept(2)], n_edits=1)

    doc = Doc(NLP.vocab, words=["a", "b", "c"])
    doc.ents = [Span(doc, 1, 2, "A")]
    augmenter = Losing(1.0, 1.0, 0)
    assert changed(augmenter, doc) is doc
    assert augmenter.counts == {"documents": 1, REFUSED: 1}


def test_example_gets_the_tokens_of_the_pipeline_as_with_spacys_own() -> None:
    nlp = spacy.blank("en")
    reference = Doc(nlp.vocab, words=["aspirin-like", "drugs"])
    reference.has_unknown_spaces = False
    example = Example(nlp.make_doc(reference.text), reference)
    [made] = CasingNoise(1.0, 1.0, 0, forms=["upper"])(nlp, example)
    assert [token.text for token in made.reference] == ["ASPIRIN-LIKE", "DRUGS"]
    assert [t.text for t in made.predicted] == [t.text for t in nlp.make_doc(made.reference.text)]
    [same] = CasingNoise(0.0, 1.0, 0)(nlp, example)
    assert same is example


# Annotation of words


def test_tags_stay_with_their_tokens_and_the_parse_if_all_do() -> None:
    doc = Doc(
        NLP.vocab, words=["They", "sleep", "well"], tags=["P", "V", "R"],
        lemmas=["they", "sleep", "well"], heads=[1, 1, 1], deps=["nsubj", "ROOT", "advmod"],
    )  # fmt: skip
    upper = changed(CasingNoise(1.0, 1.0, 0, forms=["upper"]), doc)
    assert [(t.text, t.tag_, t.head.i, t.dep_) for t in upper] == [
        ("THEY", "P", 1, "nsubj"), ("SLEEP", "V", 1, "ROOT"), ("WELL", "R", 1, "advmod"),
    ]  # fmt: skip
    lost: Any = CasingNoise(1.0, 1.0, 0).counts
    tokens = [
        NewToken("They", True, 0, 1),
        NewToken("-", True, 1, 1),
        NewToken("well", False, 2, 3),
    ]
    made = rewritten_doc(doc, Rewriting(tokens, 2), lost)
    assert made is not None
    assert [(t.text, t.tag_, t.lemma_) for t in made] == [
        ("They", "P", "they"), ("-", "", ""), ("well", "R", "well"),
    ]  # fmt: skip
    assert not made.has_annotation("DEP")
    assert dict(lost) == {
        "documents whose parse was left out": 1,
        "added tokens without tag, lemma and the like": 1,
    }


def test_user_data_of_tokens_and_spans_goes_with_them() -> None:
    doc = Doc(NLP.vocab, words=["big", "Paris", "sleeps"])
    doc.ents = [Span(doc, 1, 2, "B")]
    doc.user_data["source"] = "x"
    doc.user_data["._.", "mark", 4, None] = 1
    doc.user_data["._.", "mark", 4, 9] = 2
    doc.user_data["._.", "mark", 0, None] = 3
    lost: Any = CasingNoise(1.0, 1.0, 0).counts
    tokens = [
        NewToken("to", True, 1, 1),
        NewToken("Pariss", True, 1, 2),
        NewToken("s", False, 2, 3),
    ]
    made = rewritten_doc(doc, Rewriting(tokens, 2), lost)
    assert made is not None
    assert made.user_data == {
        "source": "x", ("._.", "mark", 3, None): 1, ("._.", "mark", 3, 9): 2,
    }  # fmt: skip
    assert lost["values of user data left out"] == 1


def test_spans_that_are_known_to_be_wrong_go_with_tokens_that_are_all_left() -> None:
    doc = Doc(NLP.vocab, words=list("abcdef"))
    doc.ents = [Span(doc, 4, 5, "A")]
    wrong = [Span(doc, 0, 1, "A"), Span(doc, 0, 2, "B"), Span(doc, 1, 4, "A"), Span(doc, 3, 6, "B")]
    doc.spans[INCORRECT_SPANS] = wrong
    lost: Any = CasingNoise(1.0, 1.0, 0).counts
    words = [("x", 0), ("A", 0), ("B", 1), ("d", 3), ("other", 4), ("f", 5)]  # x is added, c gone
    tokens = [NewToken(w, True, i, i + (w != "x")) for w, i in words]
    made = rewritten_doc(doc, Rewriting(tokens, 3, {(4, 5): ""}), lost)
    assert made is not None
    group = made.spans[INCORRECT_SPANS]
    assert [(span.start, span.end, span.label_) for span in group] == [(1, 2, "A"), (1, 3, "B")]
    assert lost == {REJECTED: 2}
    same = rewritten_doc(doc, Rewriting([passage_of(doc).kept(i) for i in range(6)], 1), lost)
    assert same is not None
    assert content(same)[3] == content(doc)[3]


def test_sentence_starts_move_to_the_next_token_that_is_left() -> None:
    doc = Doc(NLP.vocab, words=list("abcd"), sent_starts=[True, False, True, False])
    tokens = [NewToken(w, True, i, i + 1) for w, i in (("a", 0), ("b", 1), ("d", 3))]
    made = rewritten_doc(doc, Rewriting(tokens, 1), CasingNoise(1.0, 1.0, 0).counts)
    assert made is not None
    assert [token.is_sent_start for token in made] == [True, False, True]


def test_changed_documents_can_be_stored() -> None:
    doc = Doc(NLP.vocab, words=["aspirin", "helps"])
    doc.ents = [Span(doc, 0, 1, "B", kb_id="Q2")]
    made = changed(CasingNoise(1.0, 1.0, 0, forms=["upper"]), doc)
    content_of = DocBin(docs=[made], store_user_data=True).to_bytes()
    [read] = DocBin().from_bytes(content_of).get_docs(NLP.vocab)
    assert content(read)[:3] == content(made)[:3]


# Characters


def keys() -> set[str]:
    found = {key for row, _ in read_layout("qwerty") for key in row}
    return found | {key.upper() for key in found}


def confused() -> set[str]:
    found = read_confusions(None)
    return {one for options in found.values() for _, others in options for one in others}


@pytest.mark.parametrize(("name", "others"), [("keyboard", keys()), ("ocr", confused())])
@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_characters_stay_whole(name: str, others: set[str], doc: Doc, seed: int) -> None:
    made = changed(AUGMENTERS[name](1.0, 0.7, seed), doc)
    known = {*clusters(doc.text), *others}
    assert set(clusters(made.text)) <= known


@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_spaces_go_between_characters(doc: Doc, seed: int) -> None:
    made = changed(SpacingNoise(1.0, 1.0, seed, kinds=["split"]), doc)
    assert [c for c in clusters(made.text) if not c.isspace()] == [
        c for c in clusters(doc.text) if not c.isspace()
    ]


@few
@given(doc=documents(), seed=st.integers(0, 99))
def test_digits_are_spared(doc: Doc, seed: int) -> None:
    def digits(text: str) -> Iterator[str]:
        return filter(str.isdigit, text)

    for augmenter in (
        KeyboardTypos(1.0, 1.0, seed),
        OcrErrors(1.0, 1.0, seed, spare_digits=True),
    ):
        assert list(digits(changed(augmenter, doc).text)) == list(digits(doc.text))


@pytest.mark.parametrize("layout", ["qwerty", "qwertz", "azerty", "nordic", "jcuken"])
def test_neighbours_are_mutual_and_of_one_kind(layout: str) -> None:
    found = neighbours(read_layout(layout))
    for key, others in found.items():
        assert 1 <= len(others) <= 8, key
        for other in others:
            assert key in found[other]
            assert key.isdigit() == other.isdigit()
    assert len(found) >= 36


def test_neighbours_of_qwerty() -> None:
    found = neighbours(read_layout("qwerty"))
    assert set(found["g"]) == {"f", "h", "t", "y", "v", "b"}
    assert set(found["5"]) == {"4", "6"}
