"""A tokenizer that cuts some tokens of another one further, so that annotated entities fit."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import srsly
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer
from spacy.vocab import Vocab

from .phrases.other_vocab import with_vocab
from .token_exceptions import Exceptions, check_exceptions, exceptions_text, read_exceptions

# What a tokenizer may set besides words, of which pieces get that of the token.
_ATTRIBUTES = ("TAG", "POS", "LEMMA", "MORPH")
EXCEPTIONS_TOKENIZER = "spacy_ner_plus.ExceptionsTokenizer.v1"
_FILE, _BASE = "exceptions.json", "base"


@registry.tokenizers(EXCEPTIONS_TOKENIZER)
def make_exceptions_tokenizer_v1(
    base: Callable[[Language], Any],
) -> Callable[[Language], "ExceptionsTokenizer"]:
    """Create a tokenizer with exceptions.

    Which ones is said when the pipeline is initialized, in the config's `[initialize.tokenizer]`:
    `exceptions`, a file that `ner-plus convert --misaligned split` writes. They are saved with the
    pipeline, which does not need the file again.

    base (Callable[[Language], Any]): Creates the tokenizer whose tokens are cut further.
    """

    def make(nlp: Language) -> ExceptionsTokenizer:
        return ExceptionsTokenizer(base(nlp))

    return make


class ExceptionsTokenizer(DummyTokenizer):
    """A tokenizer that cuts each token of some strings into pieces.

    Unlike the special cases of spaCy's own, exceptions are of all tokens, whatever stood around
    them, and of any language's tokenizer.

    base: A tokenizer.
    exceptions (Mapping[str, Iterable[str]]): The pieces of each string that is cut.
    RAISES ValueError: Pieces do not make up their string.
    """

    def __init__(self, base: Any, exceptions: Mapping[str, Iterable[str]] | None = None) -> None:
        self.base = base
        self.exceptions: Exceptions = check_exceptions(
            {token: tuple(pieces) for token, pieces in (exceptions or {}).items()}, "exceptions"
        )

    @property
    def vocab(self) -> Vocab:
        """The vocabulary of the tokenizer whose tokens are cut."""
        vocab: Vocab = self.base.vocab
        return vocab

    def with_vocab(self, vocab: Vocab) -> "ExceptionsTokenizer | None":
        """The same with another vocabulary, None if the tokenizer under it has no such way."""
        base = with_vocab(self.base, vocab)
        return None if base is None else ExceptionsTokenizer(base, self.exceptions)

    def __call__(self, text: str) -> Doc:
        """The Doc of a text."""
        doc: Doc = self.base(text)
        if not any(token.text in self.exceptions for token in doc):
            return doc
        return _cut(doc, self.exceptions)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Any]] | None = None,
        *,
        nlp: Language | None = None,
        exceptions: str | Path | Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Take the exceptions of a config.

        exceptions: A file, or what it holds; None to keep what is there.
        RAISES ValueError: The file is not there, or holds something else.
        """
        if isinstance(exceptions, (str, Path)):
            self.exceptions = read_exceptions(exceptions)
        elif exceptions is not None:
            self.exceptions = check_exceptions(exceptions, "[initialize.tokenizer] exceptions")

    def to_bytes(self, *, exclude: Iterable[str] = (), **kwargs: Any) -> bytes:
        """The exceptions and the tokenizer that they are of."""
        data = {_FILE: exceptions_text(self.exceptions)}
        if hasattr(self.base, "to_bytes"):
            data[_BASE] = self.base.to_bytes(exclude=list(exclude))
        content: bytes = srsly.msgpack_dumps(data)
        return content

    def from_bytes(
        self, data: bytes, *, exclude: Iterable[str] = (), **kwargs: Any
    ) -> "ExceptionsTokenizer":
        """The way back."""
        content = srsly.msgpack_loads(data)
        self.exceptions = check_exceptions(json.loads(content[_FILE]), "exceptions")
        if _BASE in content:
            self.base.from_bytes(content[_BASE], exclude=list(exclude))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = (), **kwargs: Any) -> None:
        """Write a folder with the exceptions and the tokenizer that they are of."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        text = exceptions_text(self.exceptions)
        (path / _FILE).write_text(text, encoding="utf8", newline="\n")
        if hasattr(self.base, "to_disk"):
            self.base.to_disk(path / _BASE, exclude=list(exclude))

    def from_disk(
        self, path: str | Path, *, exclude: Iterable[str] = (), **kwargs: Any
    ) -> "ExceptionsTokenizer":
        """The way back. RAISES ValueError: The exceptions are not there, or no such."""
        path = Path(path)
        self.exceptions = read_exceptions(path / _FILE)
        if hasattr(self.base, "from_disk"):
            self.base.from_disk(path / _BASE, exclude=list(exclude))
        return self


def _cut(doc: Doc, exceptions: Exceptions) -> Doc:
    """A Doc with some tokens cut."""
    words: list[str] = []
    spaces: list[bool] = []
    sources: list[int] = []  # the token that each is of
    for token in doc:
        pieces = exceptions.get(token.text, (token.text,))
        words += pieces
        spaces += [False] * (len(pieces) - 1) + [bool(token.whitespace_)]
        sources += [token.i] * len(pieces)
    found = Doc(doc.vocab, words, spaces)
    names: list[Any] = [name for name in _ATTRIBUTES if len(doc) and doc.has_annotation(name)]
    if names:
        columns: Any = doc.to_array(names).reshape(len(doc), -1)  # (n_tokens, n_names)
        found.from_array(names, columns[sources])  # (n_pieces, n_names)
    for token in found:
        source = doc[sources[token.i]]
        if token.text == source.text and source.norm != source.lex.norm:
            token.norm_ = source.norm_  # of contractions
    return found
