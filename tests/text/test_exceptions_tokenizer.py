"""Tokens that are cut further: the same after saving, in any language, and nowhere else."""

import json
import pickle

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_ner_plus.text.exceptions_tokenizer import ExceptionsTokenizer
from spacy_ner_plus.text.token_exceptions import (
    check_exceptions,
    cut,
    cuts_of,
    exceptions_text,
    read_exceptions,
)

EXCEPTIONS = {"Parkinsonism": ["Parkinson", "ism"], "do": ["d", "o"], "😀x": ["😀", "x"]}
TEXT = "Anti-Parkinsonism, Parkinsonism don't  😀x!"
WORDS = ["Anti", "-", "Parkinson", "ism", ",", "Parkinson", "ism", "d", "o", "n't", " "]
CONFIG = {
    "nlp": {
        "tokenizer": {
            "@tokenizers": "spacy_ner_plus.ExceptionsTokenizer.v1",
            "base": {"@tokenizers": "spacy.Tokenizer.v1"},
        }
    }
}


def words(nlp, text=TEXT):
    return [token.text for token in nlp.make_doc(text)]


@pytest.fixture
def nlp(tmp_path):
    path = tmp_path / "exceptions.json"
    path.write_text(exceptions_text(EXCEPTIONS), encoding="utf8")
    nlp = spacy.blank("en", config=CONFIG)
    nlp.config["initialize"]["tokenizer"] = {"exceptions": str(path)}
    nlp.initialize()
    path.unlink()
    return nlp


def test_tokens_are_cut_wherever_they_stand(nlp):
    doc = nlp.make_doc(TEXT)
    assert doc.text == TEXT
    assert [token.text for token in doc][: len(WORDS)] == WORDS
    assert [token.norm_ for token in doc if token.text == "n't"] == ["not"]
    bare = spacy.blank("en")
    assert words(nlp, "Nothing here , don't ask ism") != words(bare, "do Parkinsonism")
    assert words(nlp, "Nothing of it here.") == words(bare, "Nothing of it here.")


def test_pipelines_keep_them_without_the_file(nlp, tmp_path):
    nlp.to_disk(tmp_path / "model")
    for loaded in (
        spacy.load(tmp_path / "model"),
        spacy.blank("en", config=CONFIG).from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ):
        assert words(loaded) == words(nlp)
        assert loaded.tokenizer.exceptions == {t: tuple(p) for t, p in EXCEPTIONS.items()}
    listed = json.loads((tmp_path / "model" / "tokenizer" / "exceptions.json").read_text("utf8"))
    assert listed == EXCEPTIONS


def test_processes_make_the_same_tokens(nlp):
    docs = list(nlp.pipe([TEXT] * 4, n_process=1, batch_size=2))
    assert all([token.text for token in doc] == words(nlp) for doc in docs)


def test_tags_of_the_tokenizer_are_kept():
    nlp = spacy.blank("en")

    def tagging(text):
        doc = Language.make_doc(nlp, text)
        for token in doc:
            token.tag_ = token.text.upper()
        return doc

    doc = ExceptionsTokenizer(tagging, {"ab": ["a", "b"]})("x ab y")
    assert [(token.text, token.tag_) for token in doc] == [
        ("x", "X"), ("a", "AB"), ("b", "AB"), ("y", "Y")
    ]  # fmt: skip


@settings(max_examples=50)
@given(st.text("ab😀\u0301", min_size=2, max_size=6), st.sets(st.integers(1, 5), min_size=1))
def test_pieces_and_cuts_are_the_same_thing(token, cuts):
    cuts = {at for at in cuts if at < len(token)}
    pieces = cut(token, cuts)
    assert "".join(pieces) == token
    assert cuts_of(pieces) == cuts
    if cuts:
        assert check_exceptions(json.loads(exceptions_text({token: pieces})), "it") == {
            token: pieces
        }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "must be an object of tokens and their pieces"),
        ('{"ab": "ab"}', "the pieces of 'ab' must be two or more strings"),
        ('{"ab": ["ab"]}', "must be two or more strings that make it up"),
        ('{"ab": ["a", "c"]}', "must be two or more strings that make it up"),
        ('{"a ": ["a", " "]}', "must be two or more strings that make it up"),
        ('{"ab": ["a", 1]}', "must be two or more strings that make it up"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_exceptions(tmp_path / "x.json")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no file of tokenizer exceptions .*x\.json"):
        read_exceptions(tmp_path / "x.json")
