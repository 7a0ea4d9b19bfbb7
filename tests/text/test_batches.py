from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import Tokenizer, models

from spacy_ner_plus.text.batches import POOLINGS, Batch, make_batch
from spacy_ner_plus.text.packing import Bucket
from spacy_ner_plus.text.wordpieces import Pieces, WordpieceTokenizer
from tests import tiny
from tests.text.hard_texts import ANY_TEXT, HARD_TEXTS
from tests.text.test_word_forms import forms_of

GetTokenizer = Callable[[str], WordpieceTokenizer]
PAD = -9
# what tells one document's pieces from another's
DOC = 1_000_000


class Traced:
    """Another tokenizer's pieces, with ids that say which piece of which text they are."""

    def __init__(self, tokenizer: WordpieceTokenizer, prefix: int, suffix: int) -> None:
        self.tokenizer = tokenizer
        self.prefix = [-1, -2][:prefix]
        self.suffix = [-3, -4][:suffix]
        self.n_special = prefix + suffix
        self.pad_id = PAD

    def __call__(self, texts: list[str]) -> list[Pieces]:
        return [
            Pieces(np.arange(len(pieces)) + DOC * i, pieces.starts, pieces.ends)
            for i, pieces in enumerate(self.tokenizer(texts))
        ]


@dataclass
class Read:
    """What a row reads: (piece, its window's text pieces) in order, and the weights of parts."""

    pieces: list[tuple[int, tuple[int, ...]]]
    weights: list[tuple[float, int]]  # (weight, number of pieces) of each part


@dataclass
class Settings:
    window: int
    overlap: int
    pooling: str
    max_batch_pieces: int
    tokenizer: Traced
    context: int = 0
    n_characters: int = 0

    def batch(self, docs: list[Doc]) -> Batch:
        return make_batch(
            docs,
            self.tokenizer,  # type: ignore[arg-type]
            window=self.window,
            overlap=self.overlap,
            pooling=self.pooling,
            max_batch_pieces=self.max_batch_pieces,
            context=self.context,
            n_characters=self.n_characters,
        )


@st.composite
def all_settings(draw: st.DrawFn, tokenizer: WordpieceTokenizer) -> Settings:
    traced = Traced(tokenizer, draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    window = draw(st.one_of(st.integers(traced.n_special + 1, 24), st.just(64)))
    capacity = window - traced.n_special
    context = draw(st.one_of(st.just(0), st.integers(0, (capacity - 1) // 2)))
    return Settings(
        window=window,
        overlap=draw(st.integers(0, capacity - 2 * context - 1)),
        pooling=draw(st.sampled_from(POOLINGS)),
        max_batch_pieces=draw(st.integers(1, 3000)),
        tokenizer=traced,
        context=context,
        n_characters=draw(st.sampled_from([0, 4])),
    )


def window_pieces(bucket: Bucket, row: int, tokenizer: Traced) -> tuple[int, ...]:
    """The text pieces of a window, after checking all that is around them."""
    n_real = int(bucket.mask[row].sum())
    assert bucket.mask[row].tolist() == [True] * n_real + [False] * (bucket.mask.shape[1] - n_real)
    ids = bucket.ids[row].tolist()
    n_prefix, text_end = len(tokenizer.prefix), n_real - len(tokenizer.suffix)
    assert ids[:n_prefix] == tokenizer.prefix
    assert ids[text_end:n_real] == tokenizer.suffix
    assert set(ids[n_real:]) <= {PAD}
    assert not bucket.forms[row, :n_prefix].any()
    assert not bucket.forms[row, text_end:].any()
    pieces = ids[n_prefix:text_end]
    assert pieces == list(range(pieces[0], pieces[0] + len(pieces)))
    return tuple(pieces)


def read_rows(batch: Batch, made_with: Settings) -> dict[int, Read]:
    """What each row of a batch reads, after checking the buckets."""
    rows: dict[int, Read] = {}
    seen: list[tuple[int, ...]] = []
    for bucket in batch.buckets:
        n_windows, length = bucket.ids.shape
        assert bucket.mask.shape == bucket.forms.shape == bucket.ids.shape
        assert bucket.characters.shape == (n_windows, length, made_with.n_characters)
        if made_with.n_characters:  # those of tokens, as the forms are
            assert ((bucket.characters > 0).any(axis=2) == (bucket.forms > 0)).all()
        assert (bucket.mask.dtype, bucket.ids.dtype) == (bool, np.int64)
        assert length <= made_with.window
        assert n_windows == 1 or n_windows * length <= made_with.max_batch_pieces
        windows = [window_pieces(bucket, row, made_with.tokenizer) for row in range(n_windows)]
        seen += windows
        assert set((bucket.positions // length).tolist()) == set(range(n_windows))
        n_parts = len(bucket.part_rows)
        assert len(bucket.part_weights) == n_parts
        assert np.unique(bucket.parts).tolist() == list(range(n_parts))
        assert (np.diff(bucket.parts) >= 0).all()
        for part, row in enumerate(bucket.part_rows.tolist()):
            positions = bucket.positions[bucket.parts == part]
            (window,) = set((positions // length).tolist())
            ids = bucket.ids.flatten()[positions].tolist()
            assert set(ids) <= set(windows[window])
            read = rows.setdefault(row, Read([], []))
            read.pieces += [(piece, windows[window]) for piece in ids]
            read.weights.append((float(bucket.part_weights[part]), len(ids)))
    assert len(set(seen)) == len(seen)
    for read in rows.values():
        read.pieces.sort()
    return rows


def check_batch(docs: list[Doc], made_with: Settings) -> Batch:
    """Everything that must hold for a batch, from the offsets of pieces and tokens."""
    batch = made_with.batch(docs)
    rows = read_rows(batch, made_with)
    assert sorted(rows) == list(range(batch.n_rows))
    capacity = made_with.window - made_with.tokenizer.n_special
    row, n_split = 0, 0
    texts = [doc.text for doc in docs]
    for d, (doc, pieces) in enumerate(zip(docs, made_with.tokenizer(texts), strict=True)):
        ranges = list(zip(pieces.starts.tolist(), pieces.ends.tolist(), strict=True))
        expected = {
            token.i: [
                d * DOC + p
                for p, (start, end) in enumerate(ranges)
                if max(start, token.idx) < min(end, token.idx + len(token))
            ]
            for token in doc
            if not token.is_space
        }
        expected = {token: found for token, found in expected.items() if found}
        assert batch.row_tokens[d].tolist() == list(expected)
        for found in expected.values():
            read = rows[row]
            row += 1
            pooled = {"first": found[:1], "last": found[-1:]}.get(made_with.pooling, found)
            assert [piece for piece, _ in read.pieces] == pooled
            n_pieces = sum(n for _, n in read.weights)
            for weight, n in read.weights:
                assert weight == pytest.approx(n / n_pieces)
            if found[-1] + 1 - found[0] <= capacity:
                # whole in its window, also those pieces that the pooling leaves out
                assert len(read.weights) == 1
                assert set(found) <= set(read.pieces[0][1])
            else:
                n_split += 1
    assert batch.n_split == n_split
    return batch


DOCS = st.lists(st.one_of(st.sampled_from(HARD_TEXTS), ANY_TEXT), max_size=8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_batch_reads_each_tokens_pieces(
    kind: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    @settings(deadline=None, max_examples=60)
    @given(texts=DOCS, made_with=all_settings(get_tokenizer(kind)))
    def check(texts: list[str], made_with: Settings) -> None:
        check_batch([nlp(text) for text in texts], made_with)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unigram", "byte-bpe"])
def test_batch_reads_tokens_of_one_character_each(kind: str, get_tokenizer: GetTokenizer) -> None:
    """Pieces that cover several tokens, in windows of all sizes."""
    doc = spacy.blank("zh")("北京是中华人民共和国的首都。Beijing在北京 " * 3)
    for window in range(3, 30):
        for pooling in POOLINGS:
            traced = Traced(get_tokenizer(kind), 1, 1)
            check_batch([doc], Settings(window, min(2, window - 3), pooling, 500, traced))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), texts=DOCS)
def test_batch_rows_do_not_depend_on_the_other_docs(
    data: st.DataObject, texts: list[str], get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    made_with = data.draw(all_settings(get_tokenizer("wordpiece")))
    order = data.draw(st.permutations(range(len(texts))))
    docs = [nlp(text) for text in texts]

    def by_doc(order: list[int]) -> list[list[tuple[list, list]]]:
        """For each Doc in the original order: what its rows read, counted within the Doc."""
        batch = made_with.batch([docs[i] for i in order])
        rows = read_rows(batch, made_with)
        found: list[list[tuple[list, list]]] = [[] for _ in docs]
        row = 0
        for at, i in enumerate(order):
            for _ in batch.row_tokens[at]:
                pieces = [
                    (piece - at * DOC, window[0] - at * DOC, len(window))
                    for piece, window in rows[row].pieces
                ]
                found[i].append((pieces, sorted(rows[row].weights)))
                row += 1
        return found

    together = by_doc(list(range(len(docs))))
    assert by_doc(order) == together
    for i, rows in enumerate(together):
        # alone, a document is number 0 of its batch
        alone = read_rows(made_with.batch([docs[i]]), made_with)
        assert [
            [(piece, window[0], len(window)) for piece, window in alone[row].pieces]
            for row in range(len(rows))
        ] == [pieces for pieces, _ in rows]


@pytest.mark.parametrize("kind", tiny.TOKENIZERS)
def test_batch_ids_are_the_tokenizers(
    kind: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    tokenizer = get_tokenizer(kind)
    docs = [nlp(text) for text in HARD_TEXTS]
    batch = make_batch(docs, tokenizer, window=32, overlap=8, pooling="mean", max_batch_pieces=512)
    read: dict[int, list[tuple[int, int]]] = {}
    for bucket in batch.buckets:
        assert (bucket.ids[~bucket.mask] == tokenizer.pad_id).all()
        ids = bucket.ids.flatten()[bucket.positions]
        for part, id_ in zip(bucket.parts, ids, strict=True):
            read.setdefault(int(bucket.part_rows[part]), []).append(int(id_))
    row = 0
    for doc, pieces, tokens in zip(docs, tokenizer(HARD_TEXTS), batch.row_tokens, strict=True):
        for token in (doc[int(i)] for i in tokens):
            overlaps = (pieces.starts < token.idx + len(token)) & (pieces.ends > token.idx)
            expected = pieces.ids[overlaps & (pieces.ends > pieces.starts)].tolist()
            # a split token's parts may lie in buckets in any order
            assert sorted(read[row]) == sorted(expected)
            row += 1


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", ["wordpiece", "byte-bpe", "unigram"])
def test_batch_forms_are_on_all_pieces_of_a_token(
    kind: str, pooling: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    traced = Traced(get_tokenizer(kind), 1, 1)
    docs = [nlp("McDonald's iPhone in Paris, U.S.  \n of  1998 ABBA's "), nlp("x\n\nHYDROXYL")]
    batch = make_batch(
        docs,
        traced,  # type: ignore[arg-type]
        window=16,
        overlap=4,
        pooling=pooling,
        max_batch_pieces=64,
    )
    expected = {}
    for d, (doc, pieces) in enumerate(zip(docs, traced([d.text for d in docs]), strict=True)):
        forms = forms_of(doc)
        for p in range(len(pieces)):
            over = [
                int(forms[token.i])
                for token in doc
                if not token.is_space
                and max(pieces.starts[p], token.idx) < min(pieces.ends[p], token.idx + len(token))
            ]
            expected[d * DOC + p] = over[0] if over else 0
    n_checked = 0
    for bucket in batch.buckets:
        for id_, form in zip(bucket.ids.flatten(), bucket.forms.flatten(), strict=True):
            assert form == expected.get(int(id_), 0)
            n_checked += int(id_) in expected
    assert n_checked >= len(expected)


@pytest.mark.parametrize("texts", [[], [""], ["", " ", "\n\n"], ["", "a", " ", "b", "\u200b"]])
def test_batch_of_docs_without_anything_to_tag(
    texts: list[str], get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    traced = Traced(get_tokenizer("wordpiece"), 1, 1)
    batch = check_batch([nlp(text) for text in texts], Settings(16, 4, "first", 64, traced))
    assert [len(tokens) for tokens in batch.row_tokens] == [
        int(text in "ab" and text != "") for text in texts
    ]
    assert bool(batch.buckets) == ("a" in texts)


@pytest.mark.parametrize(("text", "n_split"), [("x" * 500, 1), ("aspirin", 0)])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_batch_counts_split_tokens_whatever_the_pooling(
    text: str, n_split: int, pooling: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    traced = Traced(get_tokenizer("byte-bpe"), 1, 1)
    docs = [nlp(f"before {text} behind"), nlp(text)]
    batch = check_batch(docs, Settings(32, 8, pooling, 256, traced))
    assert batch.n_split == 2 * n_split


@pytest.mark.parametrize("pooling", POOLINGS)
def test_batch_reads_what_is_around_an_absurd_token_as_without_it(
    pooling: str, get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    traced = Traced(get_tokenizer("byte-bpe"), 1, 1)
    before, behind = "The patient was given aspirin twice a day, " * 6, " and then he left." * 6
    with_it = Settings(32, 8, pooling, 256, traced)
    (first, last, whole) = (
        read_rows(with_it.batch([nlp(text)]), with_it)
        for text in (before, behind, before + "QmFzZTY0" * 300 + behind)
    )
    assert len(whole) == len(first) + len(last) + 1
    for row, read in first.items():
        assert whole[row].pieces == read.pieces
    shift = whole[len(first) + 1].pieces[0][0] - last[0].pieces[0][0]
    for row, read in last.items():
        shifted = [(p + shift, tuple(w + shift for w in window)) for p, window in read.pieces]
        assert whole[len(first) + 1 + row].pieces == shifted


@pytest.mark.slow
def test_batch_of_a_million_characters_loses_nothing(
    get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    sentence = "Bob-Smith's  visit to München cost $3.50. "
    text = (sentence * 24_000)[: 1_000_000 - 3000] + "x" * 3000
    assert len(text) == 1_000_000
    doc = nlp(text)
    tokenizer = get_tokenizer("byte-bpe")
    batch = make_batch(
        [doc], tokenizer, window=256, overlap=64, pooling="mean", max_batch_pieces=8192
    )
    is_space = doc.to_array("IS_SPACE").astype(bool)
    assert batch.row_tokens[0].tolist() == np.flatnonzero(~is_space).tolist()
    assert batch.n_split == 1
    weights = np.zeros(batch.n_rows)
    for bucket in batch.buckets:
        np.add.at(weights, bucket.part_rows, bucket.part_weights)
    assert np.allclose(weights, 1)


def test_batch_form_of_a_piece_over_several_tokens_is_that_of_the_first(nlp: Language) -> None:
    whole = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    doc = Doc(nlp.vocab, words=["Ab", "3", "."], spaces=[False] * 3)
    batch = make_batch(
        [doc], WordpieceTokenizer(whole), window=4, overlap=0, pooling="first", max_batch_pieces=8
    )
    (bucket,) = batch.buckets
    assert bucket.positions.tolist() == [0, 0, 0]
    assert bucket.forms[0, 0] == forms_of(doc)[0]


# The words in the docstring of text.packing.pack: their pieces, and where these begin and end.
SPELLED = {"Bob ran": ([11, 12], [0, 4], [3, 7]), "Aspirin": ([21, 22, 23], [0, 3, 5], [3, 5, 7])}


class Spelling:
    """A tokenizer of these words."""

    def __init__(self) -> None:
        self.prefix, self.suffix, self.n_special, self.pad_id = [2], [3], 2, 0

    def __call__(self, texts: list[str]) -> list[Pieces]:
        return [Pieces(*map(np.array, SPELLED[text])) for text in texts]


def test_batch_is_packed_as_the_docstring_shows(nlp: Language) -> None:
    docs = [Doc(nlp.vocab, words, [True] * (len(words) - 1) + [False])
            for words in (["Bob", "ran"], ["Aspirin"])]  # fmt: skip
    batch = make_batch(
        docs, Spelling(), window=16, overlap=2, pooling="mean", max_batch_pieces=64, bucket_cost=32
    )
    [bucket] = batch.buckets
    assert bucket.ids.tolist() == [[2, 21, 22, 23, 3], [2, 11, 12, 3, 0]]
    assert bucket.mask.tolist() == [[True] * 5, [True] * 4 + [False]]
    assert bucket.positions.tolist() == [6, 7, 1, 2, 3]
    assert bucket.parts.tolist() == [0, 1, 2, 2, 2]
    assert bucket.part_rows.tolist() == [0, 1, 2]
    assert bucket.part_weights.tolist() == [1, 1, 1]
    assert [tokens.tolist() for tokens in batch.row_tokens] == [[0, 1], [0]]


def test_batch_pads_a_window_alike_whatever_is_beside_it(
    get_tokenizer: GetTokenizer, nlp: Language
) -> None:
    """In bf16 padding shows in the scores."""
    tokenizer = get_tokenizer("byte-bpe")
    docs = [nlp("word " * n) for n in (1, 7, 9, 30, 31, 33, 60, 200)]

    def widths(docs: list[Doc], bucket_cost: int | None = None) -> set[tuple[int, int]]:
        batch = make_batch(
            docs,
            tokenizer,
            window=128,
            overlap=16,
            pooling="first",
            max_batch_pieces=4096,
            bucket_cost=bucket_cost,
        )
        return {(int(row.sum()), len(row)) for bucket in batch.buckets for row in bucket.mask}

    alone = set().union(*(widths([doc]) for doc in docs))
    assert widths(docs) == alone
    assert widths(docs, bucket_cost=500) != alone
