"""The training data: batches in an order that can be found again, and what they consist of."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from spacy import attrs
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from .randomness import RandomState, RandomStream

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
        self._corpus = corpus
        self._digest = hashlib.sha256()
        self._count = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        for example in self._corpus(nlp):
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


def record_corpus(corpus: Corpus, nlp: Language, *, start: RandomState) -> dict[str, Any]:
    """Read a corpus once and say what it consists of, leaving the random state as it is."""
    recorded = RecordedCorpus(corpus)
    with RandomStream(start).use():
        for _ in recorded(nlp):
            pass
    return recorded.record()


class BatchStream:
    """Batches whose order depends on nothing but the data and the random state at the start.

    What reads, augments, shuffles and batches has random numbers of its own, so that going
    through the batches again, without training, gives the same ones. Where training draws no
    number from Python's `random`, and the data none from numpy or torch (as with all of spaCy's
    readers, augmenters and batchers), the order is also that of `spacy train`.

    batches (Iterator[Tuple[int, List[Example]]]): Epoch and batch, as spaCy's
        create_train_batches gives them.
    start (RandomState): The random state before the first batch.
    """

    def __init__(self, batches: Iterator[tuple[int, Batch]], start: RandomState) -> None:
        self._batches = batches
        self._random = RandomStream(start)

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        return self

    def __next__(self) -> tuple[int, Batch]:
        with self._random.use():
            return next(self._batches)

    def skip(self, n_batches: int) -> int:
        """Go past batches. RETURNS (int): How many of them there were."""
        with self._random.use():
            return sum(1 for _ in islice(self._batches, n_batches))


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
    if changed:
        raise ValueError(
            "The data are not those of the checkpoint, so training can't be resumed:\n  "
            + "\n  ".join(changed)
            + "\nRestore them, or start from the beginning with --overwrite."
        )
