import copy
import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from spacy_ner_plus.text.joined import join_docs
from spacy_ner_plus.text.wordpieces import WordpieceTokenizer, align, panics_as_errors
from tests import tiny
from tests.text.hard_texts import ANY_TEXT, HARD_TEXTS

GetTokenizer = Callable[[str], WordpieceTokenizer]

OFFSETS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 12)).map(lambda x: (x[0], x[0] + x[1])),
    max_size=25,
)


@st.composite
def tokens(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Disjoint, ascending, not empty; some touch each other."""
    gaps_and_lengths = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=10))
    found, at = [], 0
    for gap, length in gaps_and_lengths:
        found.append((at + gap, at + gap + length))
        at += gap + length
    return found


def overlapping(tokens: list[tuple[int, int]], pieces: list[tuple[int, int]]) -> list:
    """The pairs whose character ranges have a character in common."""
    return [
        (t, p)
        for t, token in enumerate(tokens)
        for p, piece in enumerate(pieces)
        if set(range(*token)) & set(range(*piece))
    ]


def columns(ranges: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(ranges, dtype=np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


@given(tokens=tokens(), pieces=OFFSETS)
def test_align_equals_comparing_all_with_all(
    tokens: list[tuple[int, int]], pieces: list[tuple[int, int]]
) -> None:
    alignment = align(*columns(tokens), *columns(pieces))
    pairs = list(zip(alignment.tokens.tolist(), alignment.pieces.tolist(), strict=True))
    assert pairs == overlapping(tokens, pieces)
    assert alignment.unique_tokens().tolist() == sorted({token for token, _ in pairs})


@given(tokens=tokens(), pieces=OFFSETS, data=st.data())
def test_alignment_keep_tokens_keeps_just_their_pairs(
    tokens: list[tuple[int, int]], pieces: list[tuple[int, int]], data: st.DataObject
) -> None:
    keep = data.draw(st.lists(st.booleans(), min_size=len(tokens), max_size=len(tokens)))
    alignment = align(*columns(tokens), *columns(pieces))
    kept = alignment.keep_tokens(np.array(keep, dtype=bool))
    expected = [(t, p) for t, p in overlapping(tokens, pieces) if keep[t]]
    assert list(zip(kept.tokens, kept.pieces, strict=True)) == expected
    assert len(kept) == len(expected)


def test_align_one_piece_over_several_tokens_and_one_token_of_several_pieces() -> None:
    alignment = align(*columns([(0, 1), (1, 2), (3, 9)]), *columns([(0, 2), (2, 5), (5, 9)]))
    assert alignment.tokens.tolist() == [0, 1, 2, 2]
    assert alignment.pieces.tolist() == [0, 0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_tokenizer_neither_cuts_nor_pads(kind: str, get_tokenizer: GetTokenizer) -> None:
    """The files of the tiny tokenizers say 16 pieces, always."""
    tokenizer = get_tokenizer(kind)
    short, long = tokenizer(["cell", "cell growth " * 500])
    assert 1 <= len(short) <= 4
    assert len(long) >= 1000
    assert long.ends[-1] >= len("cell growth " * 500) - 1
    assert not np.isin(short.ids, [tokenizer.pad_id]).any()


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_tokenizer_prefix_and_suffix_are_the_special_tokens_of_a_sequence(
    kind: str, get_tokenizer: GetTokenizer
) -> None:
    tokenizer = get_tokenizer(kind)
    assert tokenizer.prefix == [tokenizer.tokenizer.token_to_id("[CLS]")]
    assert tokenizer.suffix == [tokenizer.tokenizer.token_to_id("[SEP]")]
    assert tokenizer.n_special == 2
    assert not np.isin(tokenizer(["a cell"])[0].ids, tokenizer.prefix + tokenizer.suffix).any()


@pytest.mark.slow
def test_tokenizer_without_special_tokens_has_neither_prefix_nor_suffix() -> None:
    plain = tiny.byte_bpe()
    plain.post_processor = processors.ByteLevel()
    tokenizer = WordpieceTokenizer(plain)
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.n_special) == ([], [], 0)


def test_tokenizer_prefix_and_suffix_of_several_tokens() -> None:
    bert = tiny.wordpiece()
    bert.post_processor = processors.TemplateProcessing(
        single="[CLS] [MASK] $A [SEP] [SEP]",
        special_tokens=[(t, bert.token_to_id(t)) for t in ("[CLS]", "[MASK]", "[SEP]")],
    )
    tokenizer = WordpieceTokenizer(bert)
    assert (tokenizer.prefix, tokenizer.suffix) == ([2, 4], [3, 3])


def test_tokenizer_that_cannot_spell_latin_finds_its_special_tokens() -> None:
    arabic = Tokenizer(models.BPE(vocab={"[CLS]": 0, "[SEP]": 1, "م": 2}, merges=[]))
    arabic.add_special_tokens(["[CLS]", "[SEP]"])
    arabic.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    tokenizer = WordpieceTokenizer(arabic)
    assert (tokenizer.prefix, tokenizer.suffix) == ([0], [1])


def test_tokenizer_with_an_empty_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="vocabulary is empty"):
        WordpieceTokenizer(Tokenizer(models.BPE(vocab={}, merges=[])))


def check_special_tokens_are_text(tokenizer: WordpieceTokenizer) -> None:
    for special in tiny.SPECIAL:
        text = f"x {special} y{special}z {special}{special}"
        (pieces,) = tokenizer([text])
        ids = [tokenizer.tokenizer.token_to_id(t) for t in tiny.SPECIAL]
        assert not set(pieces.ids.tolist()) & set(ids)
        covered = {i for s, e in zip(pieces.starts, pieces.ends, strict=True) for i in range(s, e)}
        assert covered >= {i for i, char in enumerate(text) if char != " "}


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_tokenizer_reads_special_tokens_in_the_text_as_text(
    kind: str, get_tokenizer: GetTokenizer
) -> None:
    check_special_tokens_are_text(get_tokenizer(kind))


def test_tokenizer_whose_model_knows_special_tokens_reads_them_as_text() -> None:
    """Without a pre-tokenizer, WordPiece takes "[SEP]" from its own vocabulary, too."""
    letters = [a for char in "xyzPADUNKCLSEMA[]" for a in (char, f"##{char}")]
    vocab = {token: i for i, token in enumerate(dict.fromkeys([*tiny.SPECIAL, *letters]))}
    bert = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    bert.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s+|[xyz]"), "isolated")
    bert.add_special_tokens(tiny.SPECIAL)
    (pieces,) = WordpieceTokenizer(bert)(["[SEP]"])
    assert [bert.id_to_token(i) for i in pieces.ids] == ["[", "S", "##E", "##P", "##]"]


def test_tokenizer_unknown_piece_in_a_special_tokens_name_changes_nothing() -> None:
    """A vocabulary without brackets spells "[UNK]" with the unknown piece."""
    bert = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    bert.add_special_tokens(["[UNK]"])
    tokenizer = WordpieceTokenizer(bert)
    assert isinstance(tokenizer.tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_tokenizer_lowercases_is_found_by_trying(kind: str, get_tokenizer: GetTokenizer) -> None:
    assert get_tokenizer(kind).lowercases == (kind == "wordpiece")


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_tokenizer_copies_split_alike(kind: str, get_tokenizer: GetTokenizer) -> None:
    tokenizer = WordpieceTokenizer(get_tokenizer(kind).tokenizer, pad_id=4)
    texts = [*HARD_TEXTS, "cell growth " * 50]
    expected = tokenizer(texts)
    copies = {
        "pickle": pickle.loads(pickle.dumps(tokenizer)),
        "deepcopy": copy.deepcopy(tokenizer),
        "json": WordpieceTokenizer.from_json(tokenizer.to_json(), pad_id=4),
    }
    for how, copied in copies.items():
        assert copied.tokenizer is not tokenizer.tokenizer, how
        assert (copied.prefix, copied.suffix, copied.pad_id) == (
            tokenizer.prefix,
            tokenizer.suffix,
            4,
        ), how
        assert copied.lowercases == tokenizer.lowercases, how
        parts = [json.loads(one.to_json()) for one in (tokenizer, copied)]
        for part in ("normalizer", "pre_tokenizer", "post_processor", "added_tokens"):
            assert parts[0][part] == parts[1][part], (how, part)
        assert parts[1]["truncation"] is parts[1]["padding"] is None, how
        check_special_tokens_are_text(copied)
        for one, other in zip(expected, copied(texts), strict=True):
            assert one.ids.tolist() == other.ids.tolist(), how
            assert one.starts.tolist() == other.starts.tolist(), how
            assert one.ends.tolist() == other.ends.tolist(), how


def test_tokenizer_of_no_texts_and_of_empty_texts(get_tokenizer: GetTokenizer) -> None:
    tokenizer = get_tokenizer("wordpiece")
    assert tokenizer([]) == []
    assert [len(pieces) for pieces in tokenizer(["", "a", ""])] == [0, 1, 0]


def expected_rows(doc: Doc, tokenizer: WordpieceTokenizer) -> list[int]:
    (pieces,) = tokenizer([doc.text])
    ranges = list(zip(pieces.starts.tolist(), pieces.ends.tolist(), strict=True))
    return [
        token.i
        for token in doc
        if not token.is_space
        and any(s < token.idx + len(token) and e > token.idx for s, e in ranges if s < e)
    ]


def check_rows(doc: Doc, tokenizer: WordpieceTokenizer, kind: str) -> None:
    (pieces,) = tokenizer([doc.text])
    rows = join_docs([doc], tokenizer).alignment.unique_tokens().tolist()
    assert rows == expected_rows(doc, tokenizer)
    assert (pieces.ends <= len(doc.text)).all()
    # not only as the tokenizer says: what a reader sees must have a row
    for token in doc:
        is_plain = any(char.isascii() and char.isprintable() for char in token.text.strip())
        if is_plain or (kind.startswith("byte") and not token.is_space):
            assert token.i in rows, repr(token)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "xx", "zh"])
@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_joined_alignment_has_every_token_that_a_piece_overlaps(
    kind: str, language: str, get_tokenizer: GetTokenizer
) -> None:
    nlp = spacy.blank(language)
    for text in HARD_TEXTS:
        check_rows(nlp(text), get_tokenizer(kind), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_joined_alignment_has_every_token_of_any_text(
    kind: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    @settings(deadline=None, max_examples=60)
    @given(text=ANY_TEXT)
    def check(text: str) -> None:
        check_rows(nlp(text), get_tokenizer(kind), kind)

    check()


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_joined_alignment_of_all_texts_at_once_is_that_of_each(
    kind: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    tokenizer = get_tokenizer(kind)
    docs = [nlp(text) for text in HARD_TEXTS]
    together = join_docs(docs, tokenizer)
    alone = [join_docs([doc], tokenizer) for doc in docs]
    tokens, pieces = together.token_bases, together.piece_bases
    for i, own in enumerate(alone):
        is_own = np.isin(together.alignment.tokens, np.arange(tokens[i], tokens[i + 1]))
        assert (together.alignment.tokens[is_own] - tokens[i] == own.alignment.tokens).all()
        assert (together.alignment.pieces[is_own] - pieces[i] == own.alignment.pieces).all()
        assert (together.ids[pieces[i] : pieces[i + 1]] == own.ids).all()
        assert (together.forms[pieces[i] : pieces[i + 1]] == own.forms).all()
    assert len(together.alignment) == sum(len(own.alignment) for own in alone)


def test_joined_alignment_leaves_out_whitespace_and_what_has_no_pieces(
    get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    doc = Doc(nlp.vocab, words=["a", "\n", "\u200b", "b"], spaces=[False] * 4)
    by_bytes = join_docs([doc], get_tokenizer("byte-bpe")).alignment
    assert by_bytes.unique_tokens().tolist() == [0, 2, 3]
    by_words = join_docs([doc], get_tokenizer("wordpiece")).alignment
    assert by_words.unique_tokens().tolist() == [0, 3]


class PanicException(BaseException):
    """As pyo3 names what it makes of a panic in Rust."""


def test_panics_are_errors() -> None:
    message = "The tokenizer failed: index out of bounds"
    with pytest.raises(RuntimeError, match=message), panics_as_errors():
        raise PanicException("index out of bounds")
    with pytest.raises(KeyboardInterrupt), panics_as_errors():
        raise KeyboardInterrupt
