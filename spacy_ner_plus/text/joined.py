"""Many Docs as one long text, so that numpy handles all of them at once.

A call of numpy costs microseconds whether its arrays are short or long, and a sentence needs some
fifty of them: done one by one, they would take as long as a tenth of the encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from .piece_characters import token_characters
from .word_forms import word_forms
from .wordpieces import Alignment, WordpieceTokenizer, align

COLUMNS: list[int | str] = ["IDX", "LENGTH", "IS_SPACE"]


@dataclass(frozen=True)
class JoinedDocs:
    """The wordpieces of some Docs, and the tokens that can be tagged.

    Those are not whitespace and have pieces.

    alignment: tokens and pieces, counted through all Docs one after the other.
    ids: (n_pieces,) int64, vocabulary ids.
    forms: (n_pieces,) int64, word form of the first token that each piece overlaps, 0 for none.
    characters: (n_pieces, n_characters) int32, the characters of that token, see
        text.piece_characters.
    token_bases, piece_bases: (n_docs + 1,) int64, where each Doc begins in that count.
    """

    alignment: Alignment
    ids: np.ndarray
    forms: np.ndarray
    characters: np.ndarray
    token_bases: np.ndarray
    piece_bases: np.ndarray


def join_docs(
    docs: Sequence[Doc], tokenizer: WordpieceTokenizer, n_characters: int = 0
) -> JoinedDocs:
    """Tokenise and align some Docs, any of which may be empty.

    n_characters (int): How many characters of a token are read, at most.
    """
    texts = [doc.text for doc in docs]  # spaCy joins a text anew whenever it is asked for
    pieces = tokenizer(texts)
    # one character between two texts, so that no piece touches a token of another Doc
    text_bases = np.cumsum([0, *(len(text) + 1 for text in texts)])  # (n_docs + 1,)
    token_bases = np.cumsum([0, *map(len, docs)])  # (n_docs + 1,)
    piece_bases = np.cumsum([0, *map(len, pieces)])  # (n_docs + 1,)
    columns = _join([doc.to_array(COLUMNS).reshape(-1, 3) for doc in docs], 3)  # (n_tokens, 3)
    starts, lengths, is_space = columns.T  # (n_tokens,) each
    starts = starts + np.repeat(text_bases[:-1], np.diff(token_bases))  # in the joined text
    ends = starts + lengths
    base_of_piece = np.repeat(text_bases[:-1], np.diff(piece_bases))  # (n_pieces,)
    alignment = align(
        starts,
        ends,
        _join([each.starts for each in pieces]) + base_of_piece,
        _join([each.ends for each in pieces]) + base_of_piece,
    ).keep_tokens(is_space == 0)
    forms = np.zeros(int(piece_bases[-1]), dtype=np.int64)  # (n_pieces,)
    # the last assignment to an index stands: go backwards so that the first token wins
    text = "\n".join(texts)
    by_token = word_forms(text, starts, ends)  # (n_tokens,)
    forms[alignment.pieces[::-1]] = by_token[alignment.tokens[::-1]]
    characters = np.zeros((len(forms), n_characters), dtype=np.int32)
    if n_characters:
        spelled = token_characters(text, starts, ends, n_characters)  # (n_tokens, n_characters)
        characters[alignment.pieces[::-1]] = spelled[alignment.tokens[::-1]]
    ids = _join([each.ids for each in pieces])  # (n_pieces,)
    return JoinedDocs(alignment, ids, forms, characters, token_bases, piece_bases)


def _join(arrays: list[np.ndarray], *n_columns: int) -> np.ndarray:
    """All arrays as one int64 array, also if there is none."""
    none = np.zeros((0, *n_columns), dtype=np.int64)
    # spaCy's arrays are of unsigned integers
    return np.concatenate([none, *arrays], dtype=np.int64, casting="unsafe")
