"""The training data: batches in an order that can be found again, and what they consist of."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from spacy import attrs
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..support.run_identity import refuse
from .randomness import Arrays, capture, restore, starting_from

Corpus = Callable[[Language], Iterable[Example]]
Batch = list[Example]

INPUT = (attrs.ORTH, attrs.SPACY, attrs.SENT_START, attrs.ENT_IOB, attrs.ENT_TYPE)
WORD = (attrs.TAG, attrs.POS, attrs.MORPH, attrs.LEMMA, attrs.DEP, attrs.HEAD)
GOLD = (*INPUT, attrs.ENT_KB_ID, attrs.ENT_ID, *WORD)


class RecordedCorpus:
    """A corpus that keeps count of the examples it gives and their SHA-256.

    The digest covers the tokens of both Docs, and all annotation of the gold one that spaCy's
    components learn from; not its user data.

    corpus (Callable): The corpus reader.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._digest = hashlib.sha256()
        self._count = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """The corpus's examples; what each holds goes into the digest."""
        for example in self.corpus(nlp):
            self._digest.update(_content(example.predicted, INPUT))
            self._digest.update(_content(example.reference, GOLD))
            self._count += 1
            yield example

    def record(self) -> dict[str, Any]:
        """What was given so far."""
        return {"examples": self._count, "sha256": self._digest.hexdigest()}


def _content(doc: Doc, token_attributes: tuple[int, ...]) -> bytes:
    spans = {
        key: [(span.start, span.end, span.label_, span.kb_id_) for span in group]
        for key, group in doc.spans.items()
    }
    # the length parts one Doc from the next
    rest = json.dumps([len(doc), sorted(doc.cats.items()), sorted(spans.items())], default=str)
    return bytes(doc.to_array(list(token_attributes)).tobytes()) + rest.encode("utf8")


def record_corpus(corpus: Corpus, nlp: Language, *, start: Arrays) -> dict[str, Any]:
    """Read a corpus once and say what it consists of, leaving the random state as it is."""
    recorded = RecordedCorpus(corpus)
    with starting_from(start):
        for _ in recorded(nlp):
            pass
    return recorded.record()


class BatchStream:
    """Batches that can be gone through again, without training, and come in the same order.

    Reading, augmenting, shuffling and batching draw from the same generators as training does, so
    that the order of an epoch depends on all that was drawn before. Where a generator was not as
    the data had left it, its state is noted.

    batches (Iterator[Tuple[int, List[Example]]]): Epoch and batch, as spaCy's
        create_train_batches gives them.
    start (Dict[str, ndarray]): The random state before the first batch.
    """

    def __init__(self, batches: Iterator[tuple[int, Batch]], start: Arrays) -> None:
        self._batches = batches
        self._left = dict(start)
        self._position = 0
        self.jumps: Arrays = {}  # by "<number of the batch>/<generator>"

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        return self

    def __next__(self) -> tuple[int, Batch]:
        before = capture()
        item = next(self._batches)
        for name, state in capture().items():
            if not np.array_equal(state, before[name]):
                if not np.array_equal(before[name], self._left[name]):
                    self.jumps[f"{self._position}/{name}"] = before[name]
                self._left[name] = state
        self._position += 1
        return item

    def skip(self, n_batches: int, jumps: Arrays) -> None:
        """Go past the first batches of a new stream, with the jumps that were noted then.

        If the data have become less, it ends with them.
        """
        at: dict[int, Arrays] = {}
        for key, state in jumps.items():
            number, name = key.split("/")
            at.setdefault(int(number), {})[name] = state
        with starting_from(self._left):
            for position in range(n_batches):
                if position in at:
                    restore(at[position])
                if next(self._batches, None) is None:
                    break
            self._left = capture()
        self._position, self.jumps = n_batches, dict(jumps)


def check_data(then: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> None:
    """Compare what corpora consist of, as recorded, by name.

    RAISES ValueError: If it differs, with what differs.
    """
    changed = []
    for name in now:
        counts = [record[name]["examples"] for record in (then, now)]
        if counts[0] != counts[1]:
            changed.append(f"{name}: {counts[0]} examples then, {counts[1]} now")
        elif then[name] != now[name]:
            changed.append(f"{name}: {counts[0]} examples as before, with other content or order")
    refuse(
        changed,
        "The data are not those of the checkpoint, so training can't be resumed",
        "Restore them, or start from the beginning with --overwrite.",
    )
