"""Documents from .spacy files, in their own tokens."""

from collections.abc import Iterator
from pathlib import Path

import srsly
from spacy.strings import StringStore
from spacy.tokens import DocBin

from ..doc_files import RECORD, find_files, read_file
from .rows import Fields, InputRow, SourceDocument, Tokens, make_document


class SpacyDocs:
    """The documents of a .spacy file, or of all such files in a folder.

    Their annotation is left out. A file is read whole, one at a time.

    The id is what doc.user_data has under the id's field, else the document's number, with the
    file's path before it if there are several.
    """

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path
        self._fields = fields
        self._files = find_files(path)

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. The row is the Doc's number in its file."""
        for file in self._files:
            name = file.relative_to(self.path).as_posix() if self.path.is_dir() else file.name
            docs = read_file(file)
            strings = StringStore(docs.strings)  # apart: the pipeline's own would grow
            for i in range(len(docs)):
                yield InputRow(name, i + 1, (docs, strings, i))

    def count(self) -> int:
        """See Input.count. Each file is read for it."""
        return sum(len(read_file(file)) for file in self._files)

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. Tokens stay, and user data named by strings are the fields."""
        docs, strings, i = row.raw
        tokens = _tokens(docs, strings, i)
        data = docs.user_data[i]
        user_data = srsly.msgpack_loads(data, use_list=False) if data else {}
        named = {name: value for name, value in user_data.items() if isinstance(name, str)}
        named.pop(RECORD, None)
        id = named.pop(self._fields.id, None)
        if id is None and self.path.is_dir():
            id = f"{row.file}:{row.row}"
        others = named if self._fields.keeps_others else {}
        return make_document(row, _text(tokens), id, others, tokens)

    def show(self, row: InputRow) -> str:
        """See Input.show. It is the Doc's text."""
        return _text(_tokens(*row.raw))


def _tokens(docs: DocBin, strings: StringStore, i: int) -> Tokens:
    words = [strings[key] for key in docs.tokens[i][:, 0].tolist()]  # ORTH is first
    if docs.flags[i].get("has_unknown_spaces"):
        return Tokens(words, [True] * len(words))
    return Tokens(words, docs.spaces[i][:, 0].tolist())


def _text(tokens: Tokens) -> str:
    pairs = zip(tokens.words, tokens.spaces, strict=True)
    return "".join(word + " " * space for word, space in pairs)
