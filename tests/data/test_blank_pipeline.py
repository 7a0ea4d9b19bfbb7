"""Tokenizers of languages."""

from spacy_ner_plus.data.blank_pipeline import blank_pipeline


def test_a_tokenizer_takes_texts_of_any_length() -> None:
    """spaCy refuses more than a million characters, for the memory of parsers."""
    [token] = blank_pipeline("en").make_doc(" " * 1_000_001)
    assert len(token) == 1_000_001
