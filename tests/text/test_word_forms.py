# ruff: noqa: RUF001

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.text.word_forms import WORD_FORMS, word_forms

VOCAB = spacy.blank("en").vocab

EXAMPLES = {
    "no_letters": [",", "...", "$", "北京", "محمد", "ירושלים", "½", "😀", "\u200b", "\n", " "],
    "digits": ["7", "1998", "3.50", "1,000", "24/7", "-5", "٣", "²", "४२", "5%"],
    "lower": ["word", "e-mail", "'s", "n't", "3rd", "x", "ß", "ªb", "ﬁ", "москва", "a1"],
    "single_capital": ["A", "J.", "3D", "İ", "ǅ", "Ǆ", "Ω", "Ⅷ", "\U0001d400", "(B)"],
    "all_caps": ["HIV", "U.S.", "IL-2", "ΑΘΗΝΑ", "МОСКВА", "B12A", "ẞS"],
    "title": ["Paris", "Mr.", "E-mail", "Αθήνα", "Москва", "İstanbul", "ǅungla", "Co2a", "'Tis"],
    "mixed": ["McDonald's", "O'Brien", "PhD", "DNAs", "MacOS", "Jean-Paul", "ABc"],
    "camel_case": ["iPhone", "eBay", "mRNA", "d'Artagnan", "µM", "2pM", "von-Braun"],
}


def forms_of(doc: Doc) -> np.ndarray:
    starts = np.array([token.idx for token in doc], dtype=np.int64)
    return word_forms(doc.text, starts, starts + np.array([len(t) for t in doc], dtype=np.int64))


@pytest.mark.parametrize(
    ("name", "word"), [(name, word) for name, words in EXAMPLES.items() for word in words]
)
def test_word_forms_of_examples(name: str, word: str) -> None:
    # neighbours with and without letters: a token's class is its own
    doc = Doc(VOCAB, words=["Ab", word, "?", word], spaces=[True, False, False, False])
    names = [WORD_FORMS[form] for form in forms_of(doc)]
    assert names == ["title", name, "no_letters", name]


def expected_form(word: str) -> str:
    capitals = [char.isupper() or char.istitle() for char in word]
    cased = [c for c, char in zip(capitals, word, strict=True) if c or char.islower()]
    if not cased:
        return "digits" if any(char.isdigit() for char in word) else "no_letters"
    if not any(cased):
        return "lower"
    if len(cased) == 1:
        return "single_capital"
    if all(cased):
        return "all_caps"
    if not cased[0]:
        return "camel_case"
    return "mixed" if any(cased[1:]) else "title"


WORDS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("abABCß.'-19ǅİıſ北ª²½")),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(words=st.lists(st.tuples(WORDS, st.booleans()), max_size=12))
def test_word_forms_equal_looking_at_each_character(words: list[tuple[str, bool]]) -> None:
    doc = Doc(VOCAB, words=[w for w, _ in words], spaces=[space for _, space in words])
    forms = forms_of(doc)
    assert forms.shape == (len(doc),)
    assert [WORD_FORMS[form] for form in forms] == [expected_form(token.text) for token in doc]


def test_word_forms_never_give_the_class_of_no_token() -> None:
    assert WORD_FORMS[0] == "none"
    doc = Doc(VOCAB, words=[word for words in EXAMPLES.values() for word in words])
    assert (forms_of(doc) > 0).all()


def test_word_forms_of_an_empty_doc_are_none() -> None:
    assert forms_of(Doc(VOCAB)).shape == (0,)
