"""The section `tokens`: each check finds what it is for, and where."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit import odd_characters as odd
from spacy_ner_plus.audit.audited_encoder import AuditedEncoder
from spacy_ner_plus.audit.terminal.tokens import print_tokens
from spacy_ner_plus.audit.token_checks import (
    ACROSS_LINES,
    ACROSS_SENTENCES,
    CHECKS,
    NO_PIECES,
    UNKNOWN,
    find_token_checks,
)
from spacy_ner_plus.models.pretrained.loading import load_tokenizer
from spacy_ner_plus.records import TokenRecord
from tests.audit.corpora import make_corpus


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 3 µg TGFβ café naïve Zürich", []),
        ("👩‍👩‍👧 می‌خواهم", []),
        ("a\u200bb", [(odd.ZERO_WIDTH, 1, 2)]),
        ("co\u00adoperate", [(odd.SOFT_HYPHEN, 2, 3)]),
        ("\ufeffBonn", [(odd.BOM, 0, 1)]),
        ("a\x07b\tc\nd\r\n", [(odd.CONTROL, 1, 2)]),
        ("a \uf0b7 b", [(odd.PRIVATE, 2, 3)]),
        ("M\ufffdller", [(odd.REPLACEMENT, 1, 2)]),
        ("a\u202eb", [(odd.DIRECTION, 1, 2)]),
        ("10\u00a0mg", [(odd.BLANK, 2, 3)]),
        ("in Zu\u0308rich", [(odd.NOT_NFC, 3, 10)]),
        ("Russian \u041coscow", [(odd.MIXED, 8, 14)]),
        ("Greek \u0391nn", [(odd.MIXED, 6, 9)]),
        ("Москва и Αθήνα", []),
    ],
)
def test_odd_characters(text: str, expected: list[odd.Found]) -> None:
    assert list(odd.odd_characters(text)) == expected


@given(st.text(max_size=30))
def test_odd_characters_are_where_they_are_said_to_be(text: str) -> None:
    """By the database of Unicode, for what it tells."""
    found = list(odd.odd_characters(text))
    controls = {i for i, char in enumerate(text) if unicodedata.category(char) == "Cc"}
    kept = {i for i in controls if text[i] in "\t\n\r"}
    assert {start for kind, start, _ in found if kind == odd.CONTROL} == controls - kept
    private = {i for i, char in enumerate(text) if unicodedata.category(char) == "Co"}
    assert {start for kind, start, _ in found if kind == odd.PRIVATE} == private
    blanks = {i for i, char in enumerate(text) if unicodedata.category(char) in ("Zs", "Zl", "Zp")}
    assert {start for kind, start, _ in found if kind == odd.BLANK} == {
        i for i in blanks if text[i] != " "
    }
    not_nfc = unicodedata.normalize("NFC", text) != text
    assert any(kind == odd.NOT_NFC for kind, *_ in found) <= not_nfc


FINE = ["[Bonn](LOC) is."] * 5


def test_edges_that_no_token_has(capsys: pytest.CaptureFixture[str]) -> None:
    """By the mark at them, that outside the span before that within."""
    text = "IL-2 of nonsmokers with p53wt in Bonn now"
    found_in = {"IL": "IL", "2": "2", "smo": "smo", "53wt": "53wt", "Bonn ": "Bonn "}
    starts = [text.index(its) for its in found_in]
    spans = (SpanRecord(at, at + len(its), "X") for at, its in zip(starts, found_in, strict=True))
    corpus = make_corpus({"train": [TextRecord(text, spans=tuple(spans))]})
    assert [token.text for token in next(corpus.texts()).doc] == text.split(" ")
    checks = find_token_checks(corpus, None)
    assert checks.misaligned == checks.entities == len(found_in)
    assert {edge.why: [one.text for one in edge.first] for edge in checks.edges} == {
        "- (U+002D HYPHEN-MINUS)": ["IL", "2"],
        "within a word": ["smo", "smo"],
        "letter and digit": ["53wt"],
        "white space at the edge": ["Bonn "],
    }
    assert sum(edge.count for edge in checks.edges) == 6
    assert checks.edges == sorted(checks.edges, key=lambda edge: -edge.count)
    assert "5 spans do not start and end with tokens" in checks.warnings[0]
    assert "--lang" in checks.warnings[0]
    few = make_corpus({"train": [TextRecord(text, spans=(SpanRecord(0, 2, "X"),)), *FINE]})
    assert "--lang" not in find_token_checks(few, None).warnings[0]
    print_tokens(checks)
    assert "At their edges:" in capsys.readouterr().out


def test_findings_say_how_many_are_in_entities(capsys: pytest.CaptureFixture[str]) -> None:
    train = ["[M\ufffdller](PER) is M\ufffdller of [Bonn\u00a0Nord](LOC)", "A\ufffdB is no entity"]
    checks = find_token_checks(make_corpus({"train": train}), None)
    by_kind = {one.kind: one for one in checks.findings}
    assert set(by_kind) == {odd.REPLACEMENT, odd.BLANK}
    found = by_kind[odd.REPLACEMENT]
    assert (found.count, found.in_entities) == (3, 1)
    assert found.forms == {"\ufffd (U+FFFD REPLACEMENT CHARACTER)": 3}
    assert [(one.number, one.start, one.label) for one in found.first] == [
        (0, 1, "PER"),
        (0, 11, None),
        (1, 1, None),
    ]
    [warning] = checks.warnings
    assert warning.startswith("Replacement characters (U+FFFD): 3, 1 of them in entities. To do: ")
    print_tokens(checks)
    assert "replacement characters (U+FFFD)" in capsys.readouterr().out


def test_entities_across_sentences_and_lines() -> None:
    text = "Bank of\nBonn went up"
    starts = {0, 3}
    words = [(0, 4), (5, 7), (8, 12), (13, 17), (18, 20)]
    tokens = tuple(TokenRecord(*its, sentence_start=i in starts) for i, its in enumerate(words))
    spans = (SpanRecord(0, 12, "ORG"), SpanRecord(13, 20, "X"))
    crossing = SpanRecord(8, 17, "LOC")
    fine = TextRecord(text, spans=spans, tokens=tokens)
    bad = TextRecord(text, spans=(crossing,), tokens=tokens)
    checks = find_token_checks(make_corpus({"train": [fine, bad]}), None)
    found = {one.kind: [(o.number, o.text, o.label) for o in one.first] for one in checks.findings}
    assert found == {
        ACROSS_SENTENCES: [(1, "Bonn went", "LOC")],
        ACROSS_LINES: [(0, "Bank of\nBonn", "ORG")],
    }
    [warning] = checks.warnings
    assert warning.startswith("Entities that go over the end of a sentence: 1. To do: correct")


def test_tokens_that_the_encoder_cannot_read(tiny_encoder_dir: Path) -> None:
    """A character that no vocabulary of the tests has, and one that BERT's normaliser drops."""
    encoder = AuditedEncoder("tiny", load_tokenizer(str(tiny_encoder_dir)), 130)
    train = ["[Aspirin \u1400](X) helps \u1400 here", "a \u200b b"]
    checks = find_token_checks(make_corpus({"train": train}), encoder)
    by_kind = {one.kind: one for one in checks.findings}
    assert (by_kind[UNKNOWN].count, by_kind[UNKNOWN].in_entities) == (2, 1)
    assert by_kind[NO_PIECES].count == 1
    assert checks.encoder == "tiny"
    assert any(
        "Tokens with unknown wordpieces: 2, 1 of them in entities" in w for w in checks.warnings
    )
    assert list(CHECKS).index(NO_PIECES) < list(CHECKS).index(UNKNOWN)
