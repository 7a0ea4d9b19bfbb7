"""Raw text to wordpieces, and the map between wordpieces and spaCy tokens.

The tokenizer sees the text exactly as the user wrote it, never a list of words: so it splits
``Bob-Smith`` as it did in pretraining, and every piece carries its character offsets. Where the
pieces lie is then matched with where spaCy's tokens lie. Alignment is nothing but overlap of
character ranges, many to many: one piece may cover several tokens (SentencePiece over Chinese
characters) and one token many pieces.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, pre_tokenizers

CASE_PROBE = "The QUICK Brown fox"


@dataclass(frozen=True)
class Pieces:
    """The wordpieces of one text, without special tokens.

    ids: (n_pieces,) int64, vocabulary ids.
    starts, ends: (n_pieces,) int64, character offsets in the text, end exclusive.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Alignment:
    """Which wordpieces overlap which tokens, as pairs sorted by token, then by piece.

    tokens, pieces: (n_pairs,) int64.
    """

    tokens: np.ndarray
    pieces: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def keep_tokens(self, keep: np.ndarray) -> "Alignment":
        """The pairs of the tokens for which keep, (n_tokens,) bool, is true."""
        kept = keep[self.tokens]  # (n_pairs,) bool
        return Alignment(self.tokens[kept], self.pieces[kept])

    def unique_tokens(self) -> np.ndarray:
        """The tokens that have at least one piece, ascending."""
        return self.tokens[_first_of_run(self.tokens)]


def align(
    token_starts: np.ndarray,
    token_ends: np.ndarray,
    piece_starts: np.ndarray,
    piece_ends: np.ndarray,
) -> Alignment:
    """Pair every token with every piece whose character range overlaps its own.

    token_starts, token_ends: (n_tokens,) character offsets, end exclusive; ascending, disjoint
        and none empty, as the tokens of a Doc are.
    piece_starts, piece_ends: (n_pieces,) character offsets. Pieces may overlap each other (the
        byte pieces of one character share its offsets), may count spaces around a word as their
        own, and may be empty: an empty one overlaps nothing.
    RETURNS (Alignment): A token without a pair is one that no piece overlaps.
    """
    # Tokens are sorted and disjoint, so the tokens that a piece overlaps are consecutive: from
    # the first that ends after the piece's start to the last that starts before its end.
    first = np.searchsorted(token_ends, piece_starts, side="right")  # (n_pieces,)
    stop = np.searchsorted(token_starts, piece_ends, side="left")  # (n_pieces,)
    counts = np.where(piece_ends > piece_starts, np.maximum(stop - first, 0), 0)
    pieces = np.repeat(np.arange(len(piece_starts)), counts)  # (n_pairs,)
    within = np.arange(len(pieces)) - np.repeat(np.cumsum(counts) - counts, counts)  # (n_pairs,)
    tokens = np.repeat(first, counts) + within  # (n_pairs,)
    order = np.argsort(tokens, kind="stable")  # (n_pairs,)
    return Alignment(tokens[order], pieces[order])


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """RAISES RuntimeError: Where Rust code panics, which Python's `except Exception` lets pass.

    One bad document would end the work on all others.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3 has no module to import it from
            raise
        raise RuntimeError(f"The tokenizer failed: {error}") from error


class WordpieceTokenizer:
    """A fast Hugging Face tokenizer, set up so that it loses nothing.

    Tokenizer files often carry a truncation and a padding of their own (MiniLM's says 128
    pieces): both are switched off. Text that looks like a special token ("[SEP]") is text.

    tokenizer (tokenizers.Tokenizer): The tokenizer; its settings are changed in place.
    pad_id (int): Vocabulary id to pad with; padding is masked, so any valid id does.
    """

    @panics_as_errors()
    def __init__(self, tokenizer: Tokenizer, *, pad_id: int = 0) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self.prefix, self.suffix = _special_ids(tokenizer)
        _read_special_as_text(tokenizer)
        self.tokenizer = tokenizer
        self.pad_id = pad_id

    @panics_as_errors()
    def __call__(self, texts: list[str]) -> list[Pieces]:
        """Split every text, in one call that uses all cores."""
        return [
            _pieces(encoding)
            for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)
        ]

    @property
    def largest_id(self) -> int:
        """The largest vocabulary id that it gives, or pads with."""
        ids = self.tokenizer.get_vocab(with_added_tokens=False).values()
        return max(*self.prefix, *self.suffix, self.pad_id, *ids, 0)

    @property
    def unknown_id(self) -> int | None:
        """The vocabulary id that stands for what the vocabulary lacks; None if there is none."""
        model = json.loads(self.to_json())["model"]
        unknown: int | None = model.get("unk_id")
        if unknown is None and model.get("unk_token") is not None:
            unknown = self.tokenizer.token_to_id(model["unk_token"])
        return unknown

    def unknown_share(self, texts: list[str]) -> float:
        """The share of the wordpieces of some texts that stand for what the vocabulary lacks."""
        unknown = self.unknown_id
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *(each.ids for each in self(texts))])
        return float(np.mean(ids == unknown)) if unknown is not None and len(ids) else 0.0

    @property
    def n_special(self) -> int:
        """How many special tokens the encoder wants around each window."""
        return len(self.prefix) + len(self.suffix)

    @cached_property
    def lowercases(self) -> bool:
        """Whether capitals are lost, found out by trying rather than by a setting's name."""
        upper, lower = self([CASE_PROBE, CASE_PROBE.lower()])
        return bool(np.array_equal(upper.ids, lower.ids))

    def to_json(self) -> str:
        """The tokenizer's own JSON, without the padding piece's id."""
        return str(self.tokenizer.to_str())

    @classmethod
    @panics_as_errors()
    def from_json(cls, text: str, *, pad_id: int) -> "WordpieceTokenizer":
        """The tokenizer that to_json was called on."""
        return cls(Tokenizer.from_str(text), pad_id=pad_id)

    # The tokenizers library pickles through the same JSON, but forgets how special tokens in
    # the text are to be read: so a copy is made by the constructor.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.to_json(), self.pad_id)


def _restore(text: str, pad_id: int) -> WordpieceTokenizer:
    return WordpieceTokenizer.from_json(text, pad_id=pad_id)


def _pieces(encoding: Any) -> Pieces:
    ids = np.array(encoding.ids, dtype=np.int64)  # (n_pieces,)
    flat = chain.from_iterable(encoding.offsets)
    offsets = np.fromiter(flat, dtype=np.int64, count=2 * len(ids)).reshape(-1, 2)
    return Pieces(ids, offsets[:, 0], offsets[:, 1])


def _special_ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer puts before and after a sequence, found by encoding one."""
    # the vocabulary's own words serve where it cannot spell "a"
    for probe in ("a", " ".join(tokenizer.get_vocab(with_added_tokens=False))):
        encoding = tokenizer.encode(probe, add_special_tokens=True)
        text_at = [i for i, special in enumerate(encoding.special_tokens_mask) if not special]
        if text_at:
            break
    else:
        raise ValueError("The tokenizer makes no wordpieces of any text: its vocabulary is empty.")
    return list(encoding.ids[: text_at[0]]), list(encoding.ids[text_at[-1] + 1 :])


def _read_special_as_text(tokenizer: Tokenizer) -> None:
    """Keep a model from finding special tokens in the text by itself, as Unigram ones do.

    SentencePiece itself never matches its control symbols in a text, but in its converted
    vocabularies (XLM-R, DeBERTa-v3) they are pieces like any other, with the best score of all.
    So their first character is split off wherever one stands.
    """
    found = [
        token.content
        for id_, token in tokenizer.get_added_tokens_decoder().items()
        if token.special and _is_found_whole(tokenizer, token.content, id_)
    ]
    if not found:
        return
    starts = "|".join(f"{re.escape(text[0])}(?={re.escape(text[1:])})" for text in found)
    split = pre_tokenizers.Split(Regex(starts), "isolated")
    before = tokenizer.pre_tokenizer
    tokenizer.pre_tokenizer = split if before is None else pre_tokenizers.Sequence([before, split])


def _is_found_whole(tokenizer: Tokenizer, text: str, id_: int) -> bool:
    """Whether a text becomes a piece only as long as it is whole.

    The unknown piece also may stand for its parts.
    """
    whole = tokenizer.encode(text, add_special_tokens=False).ids
    parts = tokenizer.encode(f"{text[:1]} {text[1:]}", add_special_tokens=False).ids
    return id_ in whole and id_ not in parts


def _first_of_run(values: np.ndarray) -> np.ndarray:
    """True where a sorted array takes a new value."""
    first = np.ones(len(values), dtype=bool)
    first[1:] = values[1:] != values[:-1]
    return first
