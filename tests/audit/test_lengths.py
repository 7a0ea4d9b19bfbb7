"""The section `lengths`, against lengths counted one by one."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus import TextRecord
from spacy_ner_plus.audit.audited_encoder import AuditedEncoder, load_audited_encoder
from spacy_ner_plus.audit.lengths import bin_ends, find_lengths
from spacy_ner_plus.audit.terminal.lengths import print_lengths
from spacy_ner_plus.models.pretrained.loading import load_tokenizer
from spacy_ner_plus.records import TokenRecord
from tests.audit.corpora import make_corpus

LONG = "Then [Ann Smith of Bonn](PER) went on. "


@pytest.fixture
def encoder(tiny_encoder_dir: Path) -> AuditedEncoder:
    """Reads 20 pieces, two of them special."""
    return AuditedEncoder("tiny", load_tokenizer(str(tiny_encoder_dir)), 20)


@given(longest=st.integers(1, 10_000))
def test_bins_hold_all_lengths_once(longest: int) -> None:
    ends = bin_ends(longest)
    assert ends == sorted(set(ends))
    assert ends[0] == 1
    assert ends[-1] >= longest
    assert len(ends) == 1 or ends[-2] < longest


def test_lengths_in_tokens_and_pieces(encoder: AuditedEncoder) -> None:
    texts = ["One [unbelievably](X) long word.", LONG * 5, "Short.", ""]
    corpus = make_corpus({"train": texts})
    lengths = find_lengths(corpus, encoder)
    by_kind = {(table.unit, table.measure): table for table in lengths.tables}
    assert set(by_kind) == {(u, m) for u in ("texts", "entities") for m in ("tokens", "wordpieces")}
    docs = [text.doc for text in corpus.texts()]
    pieces = [len(each) for each in encoder.tokenizer([doc.text for doc in docs])]
    for measure, expected in (("tokens", [len(doc) for doc in docs]), ("wordpieces", pieces)):
        table = by_kind["texts", measure]
        its = table.parts["train"]
        assert (its.count, its.longest) == (4, max(expected))
        assert its.mean == sum(expected) / 4
        assert its.median == sorted(expected)[1]
        bins = Counter(next(end for end in table.ends if n <= end) for n in expected)
        assert its.bins == [bins[end] for end in table.ends]
    assert by_kind["entities", "tokens"].parts["train"].longest == 4
    in_entity = encoder.tokenizer(["unbelievably", "Ann Smith of Bonn"])
    assert by_kind["entities", "wordpieces"].parts["train"].longest == max(map(len, in_entity))


def test_a_single_token_marks_no_sentence() -> None:
    """Though spaCy says so, of white space alone, too."""
    lengths = find_lengths(make_corpus({"train": ["One [long](X) word.", " \n", "Short"]}), None)
    assert {table.unit for table in lengths.tables} == {"texts", "entities"}


def test_what_does_not_fit_in_a_window(
    encoder: AuditedEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = find_lengths(make_corpus({"train": [LONG * 5, "Short [Bonn](LOC)."]}), encoder)
    [fit] = lengths.fits
    its = fit.parts["train"]
    assert (fit.window, its.texts, its.sentences) == (20, 1, 0)
    assert its.windows >= 3
    # one window begins within an entity at least, as each of them is longer than what they share
    assert 0 <= its.entities < 6
    print_lengths(lengths)
    shown = capsys.readouterr().out
    assert "More than 20 wordpieces (the encoder) in train: 1 texts" in shown
    assert "4 tokens: Then [Ann Smith of Bonn PER] went on." in shown


def test_entity_in_two_windows_is_counted(encoder: AuditedEncoder) -> None:
    """One of all tokens of the text is, one of its first token is not."""
    words = "a b c d e f g h i j k l m n o p q r s t u v w x y z"
    assert (
        find_lengths(make_corpus({"train": [f"[{words}](X)"]}), encoder)
        .fits[0]
        .parts["train"]
        .entities
        == 1
    )
    assert (
        find_lengths(make_corpus({"train": [f"[a](X){words[1:]}"]}), encoder)
        .fits[0]
        .parts["train"]
        .entities
        == 0
    )


def test_sentences_are_measured_where_they_are_marked() -> None:
    tokens = tuple(TokenRecord(2 * i, 2 * i + 1, sentence_start=i in (0, 1)) for i in range(4))
    text = TextRecord("a b c d", tokens=tokens)
    [texts, sentences] = find_lengths(make_corpus({"train": [text]}), None).tables
    assert (texts.unit, texts.parts["train"].longest) == ("texts", 4)
    assert (sentences.unit, sentences.parts["train"].longest) == ("sentences", 3)
    assert sentences.parts["train"].count == 2


def test_long_entities_are_warned_of() -> None:
    """They come first."""
    lengths = find_lengths(make_corpus({"train": ["[Bonn](LOC)", f"[{'so ' * 30}on](X) "]}), None)
    assert [one.length for one in lengths.longest["entities"]] == [31, 1]
    assert "The longest entity has 31 tokens (X, train, train.jsonl, line 2)" in lengths.warnings[0]
    assert find_lengths(make_corpus({"train": ["[Bonn](LOC)"]}), None).warnings == []


def test_encoder_is_the_default_one_if_that_is_there(
    tmp_path: Path, tiny_encoder_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_audited_encoder(None) is None
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "encoder").symlink_to(tiny_encoder_dir)
    found = load_audited_encoder(None)
    assert found is not None
    assert (found.name, found.max_pieces) == ("assets/encoder", 130)
    with pytest.raises(ValueError, match="does not exist"):
        load_audited_encoder("./nowhere")


def test_texts_of_one_sentence_are_measured_once() -> None:
    tokens = tuple(TokenRecord(2 * i, 2 * i + 1, sentence_start=i == 0) for i in range(3))
    lengths = find_lengths(make_corpus({"train": [TextRecord("a b c", tokens=tokens)] * 2}), None)
    assert [table.unit for table in lengths.tables] == ["texts"]
    assert list(lengths.longest) == ["texts"]
    assert lengths.warnings == []
    print_lengths(lengths)
