"""Scripts and words that a pipeline can't read are noticed before it is trained."""

import warnings
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from tests.pipeline.samples import add_ner_plus, make_examples, make_nlp

# "Beijing is the capital of China", in the words that a corpus of columns has
WORDS = ["北京", "是", "中国", "的", "首都", "。"]


def chinese_examples(nlp: Language, n: int = 4) -> list[Example]:
    examples = []
    for _ in range(n):
        reference = Doc(nlp.vocab, words=WORDS, spaces=[False] * len(WORDS))
        reference.ents = [Span(reference, 0, 1, "LOC"), Span(reference, 2, 3, "LOC")]
        examples.append(Example(Doc(nlp.vocab, words=WORDS, spaces=[False] * 6), reference))
    return examples


def test_words_that_the_tokenizer_does_not_part_are_told(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)  # English: a clause is a word
    message = r"8 of 8 gold entities don't start and end.*'北京' is in the tokens \['北京是中国"
    with pytest.warns(UserWarning, match=message):
        nlp.initialize(lambda: chinese_examples(nlp))


def test_tokenizer_of_the_language_parts_them(encoder_dir: Path) -> None:
    nlp = spacy.blank("zh")
    add_ner_plus(nlp, encoder_dir)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nlp.initialize(lambda: chinese_examples(nlp))
    assert not [one for one in caught if "gold entities" in str(one.message)]


@pytest.mark.parametrize("lang", ["en", "zh", "de", "xx"])
def test_tokenizer_of_a_config_is_that_of_its_language(lang: str, tmp_path: Path) -> None:
    tokenizer = {"@tokenizers": "spacy_ner_plus.LanguageTokenizer.v1"}
    nlp = spacy.blank(lang, config={"nlp": {"tokenizer": tokenizer}})
    plain = spacy.blank(lang)
    assert type(nlp.tokenizer) is type(plain.tokenizer)
    text = "北京是中国的首都。 Don't stop, e.g. here!"
    nlp.to_disk(tmp_path)
    for one in (nlp, spacy.load(tmp_path)):
        assert [token.text for token in one(text)] == [token.text for token in plain(text)]


def test_script_that_the_encoder_does_not_know_is_told(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    words = ["თბილისი", "არის", "დედაქალაქი"]  # "Tbilisi is the capital"
    reference = Doc(nlp.vocab, words=words, ents=["B-LOC", "O", "O"])
    examples = [Example(Doc(nlp.vocab, words=words), reference)]
    message = r"100 % of the wordpieces that 'ner_plus' reads stand for characters that"
    with pytest.warns(UserWarning, match=message):
        nlp.initialize(lambda: examples)


def test_data_that_fit_are_not_told(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        nlp.initialize(lambda: make_examples(nlp, 20))
