"""The lessons of a training: made before it, kept on disk, looked up in each update."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc

from ...models.decoding.lessons import Lesson
from .course import Course, to_arrays
from .lesson_cache import LessonCache

# Documents whose lessons are written at once, and those that teachers are asked about at once.
_FILE = 512
_BATCH = 64

RowTokens = Callable[[Sequence[Doc]], list[np.ndarray]]


@dataclass
class LessonCounts:
    """What a student is taught about.

    docs, words (int): Documents of the training data, and their tokens.
    asked (int): Different documents that the teachers were asked about now; the lessons about
        others were there.
    rows (int): Tokens that are taught, with one row in the models of all sides.
    rows_cut (int): Tokens that some of the models tag, and others don't.
    sequences_split (int): Documents that are compared in several pieces, as rows were cut in them.
    cache_bytes (int): The size of all lessons on disk.
    """

    docs: int = 0
    words: int = 0
    asked: int = 0
    rows: int = 0
    rows_cut: int = 0
    sequences_split: int = 0
    cache_bytes: int = 0


class LessonBook:
    """Knows the lessons of teachers about documents: a Teaching.

    course (Course): What is taught.
    folder (Path): Where lessons are kept.
    weight (float): Of a lesson beside annotation.
    told (dict): What is told about the lessons in their folder.
    """

    def __init__(self, course: Course, folder: Path, weight: float, told: dict[str, Any]) -> None:
        self.cache = LessonCache(folder, course.made_by, told)
        self.form = course.form(self.cache)
        self.weight = weight
        self._course = course

    def lessons(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[Lesson]:
        """See Teaching.lessons.

        Teachers are asked about a document that there is no lesson about, such as one that was
        changed by chance. That is not kept: whether it was there before would decide what others
        are read together with, and so the last digits of what is learned.
        """
        keys = self._keys(docs, row_tokens)
        made = self._ask(keys, docs, row_tokens)
        return [made[key] if key in made else self._read(key) for key in keys]

    def prepare(self, docs: Iterable[Doc], row_tokens: RowTokens) -> LessonCounts:
        """See that there is a lesson about each of many documents.

        Those that are written together are read together: if the process is killed, what is made
        anew is made as before.

        docs (Iterable[Doc]): In the same order each time.
        row_tokens (Callable): Gives the student's rows of some of them.
        RETURNS (LessonCounts): What is taught.
        """
        counts = LessonCounts()
        for some in _in_batches(docs, _FILE):
            tokens = [rows for batch in _in_batches(some, _BATCH) for rows in row_tokens(batch)]
            keys = self._keys(some, tokens)
            made: dict[bytes, Lesson] = {}
            for first in range(0, len(some), _BATCH):
                part = slice(first, first + _BATCH)
                made |= self._ask(keys[part], some[part], tokens[part], known=made)
            self.cache.add({key: to_arrays(lesson) for key, lesson in made.items()})
            counts.asked += len(made)
            for key, doc, own in zip(keys, some, tokens, strict=True):
                self._count(counts, doc, own, made[key] if key in made else self._read(key))
        counts.cache_bytes = self.cache.n_bytes
        return counts

    def _count(self, counts: LessonCounts, doc: Doc, tokens: np.ndarray, lesson: Lesson) -> None:
        common = self.form.common(lesson, tokens)
        counts.docs += 1
        counts.words += len(doc)
        counts.rows += int(common.lengths.sum())
        counts.rows_cut += common.n_cut
        counts.sequences_split += len(common.lengths) > 1

    def _ask(
        self,
        keys: Sequence[bytes],
        docs: Sequence[Doc],
        row_tokens: Sequence[np.ndarray],
        known: Iterable[bytes] = (),
    ) -> dict[bytes, Lesson]:
        """Lessons about those documents that there is none about, each once."""
        places = {key: i for i, key in enumerate(keys) if key not in self.cache}
        for key in known:
            places.pop(key, None)
        if not places:
            return {}
        chosen = list(places.values())
        lessons = self._course.make([docs[i] for i in chosen], [row_tokens[i] for i in chosen])
        return dict(zip(places, lessons, strict=True))

    def _keys(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[bytes]:
        pairs = zip(docs, row_tokens, strict=True)
        return [self._course.key(doc, tokens) for doc, tokens in pairs]

    def _read(self, key: bytes) -> Lesson:
        return self._course.read(self.cache.read(key))


def _in_batches(docs: Iterable[Doc], size: int) -> Iterator[list[Doc]]:
    stream = iter(docs)
    while batch := list(islice(stream, size)):
        yield batch
