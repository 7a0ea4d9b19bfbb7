"""A file of annotated texts to Docs, with all that is wrong with it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from ...annotation.doc_records import to_doc
from ...annotation.offsets import hint_of_countings
from ...records import TextRecord, without_duplicates
from ..formats.record_files import open_records

MOST_SHOWN = 10


class AnnotatedText(NamedTuple):
    """A text as spaCy has it, as the file has it, and where in the file it is."""

    doc: Doc
    record: TextRecord
    where: str


@dataclass(frozen=True)
class AnnotatedFile:
    """The annotated texts of a file.

    path (Path): The file.
    texts (List[AnnotatedText]): Its texts, without those that are empty or not annotated.
    n_left_out (int): How many those are.
    countings (Counter[Optional[str]]): How entities that do not fit must have been counted to fit.
    misaligned (List[str]): Where and what the entities are that do not start and end with tokens,
        and so are not in the Docs. Tokens that they touch are missing.
    warnings (List[str]): What the reader of the file has to say of it, and its division.
    """

    path: Path
    texts: list[AnnotatedText] = field(default_factory=list)
    n_left_out: int = 0
    misaligned: list[str] = field(default_factory=list)
    countings: Counter[str | None] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def check(self) -> None:
        """RAISES ValueError: If there are no entities, or most do not start and end with tokens."""
        if not self.texts and not self.n_left_out:
            raise ValueError(f"{self.path} is empty: it has no text.")
        if not self.texts:
            lacks = (
                "nothing is known of their doc.ents. ([] there"
                if self.path.suffix == ".spacy"
                else 'they have no key "spans". (An empty list there'
            )
            raise ValueError(
                f"None of the {self.n_left_out:,} texts in {self.path} is annotated: {lacks} says "
                "that a text has no entities.)"
            )
        n_entities = sum(len(text.doc.ents) for text in self.texts)
        if len(self.misaligned) > n_entities:
            start = (
                f"Of {n_entities + len(self.misaligned):,} entities in {self.path}, "
                f"{len(self.misaligned):,} do not start and end where tokens do. Offsets count "
                "characters (code points) from 0, not bytes, and ends are exclusive; the tokens "
                "are those of --lang:"
            )
            hint = hint_of_countings(self.countings)
            raise ValueError("\n".join(filter(None, [listed(start, self.misaligned), hint])))
        if not n_entities:
            raise ValueError(
                f"{self.path} has no annotated entities: there is nothing to learn or to score."
            )


def read_annotated(path: Path, nlp: Language, *, group: int | None = None) -> AnnotatedFile:
    """Read a file or folder of any format that `read` knows.

    nlp (Language): Its tokenizer cuts texts that have no tokens.
    group (int): Sentences a document, in a column file that marks none; None for one.
    RAISES (ValueError): There is no such file, it can't be read, it has no annotated text or no
        entity, entities overlap, or most do not start and end with tokens: with where that is.
    """
    if not path.exists():
        raise ValueError(f"There is no file {path}.")
    options: dict[str, Any] = {} if group is None else {"group": group}
    source = open_records(path, **options)
    texts: list[AnnotatedText] = []
    misaligned: list[str] = []
    countings: Counter[str | None] = Counter()
    n_repeated = 0
    wrong: list[str] = []
    n_left_out = 0
    for where, record in source.records():
        if not record.text.strip() or record.spans is None:
            n_left_out += 1
            continue
        record, n = without_duplicates(record)
        n_repeated += n
        try:
            doc, unfit = to_doc(record, nlp)
        except ValueError as error:
            wrong.append(f"{where}: {error}")
        else:
            texts.append(AnnotatedText(doc, record, where))
            misaligned += [f"{where}: {one}" for one in unfit]
            countings.update(one.counting for one in unfit)
    if wrong:
        raise ValueError(listed(f"{path} has {len(wrong):,} texts that can't be used:", wrong))
    warnings = list(source.warnings)
    if n_repeated:
        warnings.append(f"{n_repeated:,} annotations are there twice and count once")
    file = AnnotatedFile(path, texts, n_left_out, misaligned, countings, warnings)
    file.check()
    return file


def listed(start: str, lines: list[str]) -> str:
    """A sentence and the first of some lines, with how many more there are."""
    shown = [f"  {line}" for line in lines[:MOST_SHOWN]]
    if len(lines) > MOST_SHOWN:
        shown.append(f"  and {len(lines) - MOST_SHOWN:,} more")
    return "\n".join([start, *shown])
