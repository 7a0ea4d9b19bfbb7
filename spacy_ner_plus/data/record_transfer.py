"""Annotated texts from files of any format to a file of any other, record by record."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spacy.language import Language

from ..records import TextRecord, TokenRecord
from .formats.record_files import FORMATS, options_known

# They say what the input looks like. Where its format has them, they are not of the output.
_OF_INPUT = ("layout", "scheme", "column", "group", "offsets", "lenient")


@dataclass
class DividedOptions:
    """Options of formats, for those that are read and the one that is written.

    options (Mapping[str, Any]): All that are given.
    of_writer (Sequence[str]): What the writer knows.
    for_output (Mapping[str, Any]): Those that are given for the writer alone.
    """

    options: Mapping[str, Any]
    of_writer: list[str]
    for_output: Mapping[str, Any] = field(default_factory=dict)
    _of_readers: set[str] = field(default_factory=set)

    def check_output(self, format: str) -> None:
        """RAISES (ValueError): The format that is written has no such option."""
        surplus = [name for name in self.for_output if name not in self.of_writer]
        if surplus:
            raise ValueError(
                f"--to-option {', '.join(surplus)} says nothing to the format {format!r}, which "
                f"is written with {', '.join(self.of_writer) or 'no options'}."
            )

    def for_reader(self, format: str) -> dict[str, Any]:
        """Those of a format that is read, and those that nobody knows, so that it refuses them."""
        known = options_known(FORMATS[format].source)
        self._of_readers.update(known)
        return {
            name: value
            for name, value in self.options.items()
            if name in known or name not in self.of_writer
        }

    def for_writer(self) -> dict[str, Any]:
        """Those of the format that is written, once all readers were asked."""
        taken = self._of_readers.intersection(_OF_INPUT)
        shared = {
            name: value
            for name, value in self.options.items()
            if name in self.of_writer and name not in taken
        }
        return {**shared, **self.for_output}


def with_tokens(
    records: Iterable[TextRecord], nlp: Language, note: Callable[[], None]
) -> Iterator[TextRecord]:
    """Records with the tokens that a tokenizer makes, where they have none.

    note (Callable): Is called for each of those.
    """
    for record in records:
        if record.tokens is not None:
            yield record
            continue
        note()
        doc = nlp.make_doc(record.text)
        tokens = tuple(TokenRecord(one.idx, one.idx + len(one)) for one in doc)
        yield replace(record, tokens=tokens)
