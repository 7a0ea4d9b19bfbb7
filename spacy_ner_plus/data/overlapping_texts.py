"""Whether entities of annotated texts overlap, so that doc.ents can't hold all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from ..nesting.nesting_counts import NestingCounts, count_nesting
from .doc_files import find_files, read_file
from .formats.form import RecordSource
from .formats.record_files import FORMATS, open_several, options_known
from .formats.sampling import make_sample

SPANS_KEY = "sc"
"""Where entities go that overlap: the key that spaCy's spancat, scorer and displaCy look at."""
# In fewer texts, they may overlap by mistake.
MEANT = 0.01
MOST_PLACES = 10


@dataclass
class OverlappingTexts:
    """Texts whose entities overlap, among others.

    n_texts (int): Texts with any entity.
    n_overlapping (int): Of these, texts with entities that overlap.
    counts (NestingCounts): How the entities of all lie.
    places (List[str]): Where the first of those are.
    """

    n_texts: int = 0
    n_overlapping: int = 0
    counts: NestingCounts = field(default_factory=NestingCounts)
    places: list[str] = field(default_factory=list)

    @property
    def are_meant(self) -> bool:
        """Whether so many overlap that it is how texts are annotated, and no mistake."""
        return self.n_overlapping > MEANT * self.n_texts

    def count(self, source: RecordSource) -> None:
        """Count the texts of a file."""
        for where, record in source.records():
            spans = [one for one in record.spans or () if one.is_accepted]
            counts = count_nesting((span.start, span.end, span.label) for span in spans)
            self.counts += counts
            self.n_texts += bool(counts.spans)
            if counts.any_overlap:
                self.n_overlapping += 1
                if len(self.places) < MOST_PLACES:
                    self.places.append(where)


def find_overlapping(
    paths: Iterable[Path], *, group: int | None = None, spans_key: str = SPANS_KEY
) -> OverlappingTexts:
    """Look whether entities overlap.

    paths (Iterable[Path]): Files or folders of any format that `read` knows.
    group (int): Sentences a document, in column files that mark none.
    spans_key (str): Where they are in .spacy files, if those have such a group; else in doc.ents.
    RAISES (ValueError): See `read`.
    """
    found = OverlappingTexts()
    for path in paths:
        key = spans_key if has_group(path, spans_key) else None
        found.count(open_annotated(path, group=group, spans_key=key))
    return found


def has_group(path: Path, spans_key: str) -> bool:
    """Whether it is a .spacy file, or a folder of such, with doc.spans[spans_key]."""
    is_folder = path.is_dir() and FORMATS["spacy"].recognises(make_sample(path))
    if not is_folder and (path.suffix != ".spacy" or not path.is_file()):
        return False
    if not is_folder and not path.stat().st_size:
        return False  # `read` says so
    docs = (doc for file in find_files(path) for doc in read_file(file).get_docs(Vocab()))
    return any(spans_key in doc.spans for doc in docs)


def open_annotated(
    path: Path, *, group: int | None = None, spans_key: str | None = None
) -> RecordSource:
    """The reader of a file or folder of any format.

    group (int): See find_overlapping.
    spans_key (str): Take doc.spans[spans_key], where the format has such; None for doc.ents.
    RAISES (ValueError): See `read`.
    """
    given: dict[str, Any] = {} if group is None else {"group": group}

    def options_of(name: str) -> dict[str, Any]:
        knows_key = "spans_key" in options_known(FORMATS[name].source)
        return given | ({"spans_key": spans_key} if knows_key and spans_key is not None else {})

    return open_several([path], None, options_of)
