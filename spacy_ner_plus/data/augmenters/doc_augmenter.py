"""What all augmenters have in common: spaCy's protocol, chance, and counts of what was done."""

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ...support.numbers import as_float, as_int
from .rewritten_doc import passage_of, rewritten_doc
from .token_rewriting import Passage, Rewriting

SpacyAugmenter = Callable[[Language, Example], Iterator[Example]]
# What counts call what all augmenters count.
DOCUMENTS, CHANGED, EDITS = "documents", "documents changed", "edits"
REFUSED = "documents left as they were, as an entity would have been lost"


class DocAugmenter(ABC):
    """An augmenter by spaCy's protocol, (nlp, example) -> examples, which changes annotated Docs.

    What is predicted from gets the tokens that the pipeline's tokenizer makes of the changed text,
    as with spaCy's own. `spacy_ner_plus.Corpus.v1` asks for the references alone, and gives them
    the tokens that its setting says.

    counts (Counter[str]): What was done so far, and what was not and why.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, nlp: Language, example: Example) -> Iterator[Example]:
        """The examples that take the place of one; itself, if it is not changed."""
        for reference in self.references(nlp, example.reference):
            if reference is example.reference:
                yield example
            else:
                yield Example(_unread(nlp, reference), reference)

    @abstractmethod
    def references(self, nlp: Language, reference: Doc) -> Iterator[Doc]:
        """The annotated Docs that take the place of one; itself, if it is not changed.

        nlp (Language): Its tokenizer cuts new words.
        """

    def tallies(self) -> list[tuple[str, Counter[str]]]:
        """The counts with the name of who counted, for augmenters that are made of others."""
        return [(type(self).__name__, self.counts)]


class ChanceAugmenter(DocAugmenter):
    """One that acts on a share of documents.

    level (float): The share.
    seed (int): With None, chance is Python's generator, so that `training.seed` decides, each
        pass over the data gets other changes, and a resumed training the same as the one that
        was stopped. With a number, a document gets the same changes each time, wherever it stands.
    RAISES ValueError: level is not from 0 to 1, or seed is no whole number.
    """

    def __init__(self, level: float, seed: int | None) -> None:
        super().__init__()
        self.level = read_share("level", level)
        self.seed = None if seed is None else as_int(seed, "seed")

    def chance(self, doc: Doc) -> Random:
        """What decides about a document."""
        if self.seed is None:
            return Random(random.getrandbits(64))
        return Random(f"{self.seed} {type(self).__name__} {doc.text}")


class TextAugmenter(ChanceAugmenter):
    """One that changes the tokens of a share of documents.

    level, seed: See ChanceAugmenter.
    p (float): How often within a document; see each augmenter.
    RAISES ValueError: level or p is not from 0 to 1, or seed is no whole number.
    """

    def __init__(self, level: float, p: float, seed: int | None) -> None:
        super().__init__(level, seed)
        self.p = read_share("p", p)

    def references(self, nlp: Language, reference: Doc) -> Iterator[Doc]:
        """The document with changes, or itself."""
        self.counts[DOCUMENTS] += 1
        chance = self.chance(reference)
        if len(reference) and chance.random() < self.level:
            rewriting = self.rewrite(passage_of(reference), chance, nlp)
            if rewriting.n_edits:
                left_out: Counter[str] = Counter()
                changed = rewritten_doc(reference, rewriting, left_out)
                if changed is not None:
                    self.counts += left_out
                    self.counts[CHANGED] += 1
                    self.counts[EDITS] += rewriting.n_edits
                    yield changed
                    return
                self.counts[REFUSED] += 1
        yield reference

    @abstractmethod
    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """The tokens of a changed text. No entity may lose all its tokens, nor get others between.

        nlp (Language): Its tokenizer cuts new words.
        """


def read_share(name: str, value: float) -> float:
    """RAISES ValueError: If it is not from 0 to 1."""
    share = as_float(value, name)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{name} = {value} must be from 0 to 1.")
    return share


def read_kinds(
    name: str, kinds: list[str] | tuple[str, ...], known: tuple[str, ...]
) -> tuple[str, ...]:
    """RAISES ValueError: If it is no list of some of those that are known."""
    is_list = isinstance(kinds, (list, tuple)) and len(kinds) > 0
    if not is_list or [kind for kind in kinds if kind not in known]:
        raise ValueError(f"{name} = {kinds!r} must be a list of some of {', '.join(known)}.")
    return tuple(kinds)


def varied(
    augmenter: SpacyAugmenter, nlp: Language, reference: Doc, unread: Doc | None = None
) -> Iterator[Doc]:
    """The annotated Docs that an augmenter, perhaps somebody else's, makes of one.

    unread (Doc): The same text without annotation, for those of others; None for what the
        pipeline's tokenizer makes of it.
    """
    if isinstance(augmenter, DocAugmenter):
        yield from augmenter.references(nlp, reference)
        return
    example = Example(_unread(nlp, reference) if unread is None else unread, reference)
    for changed in augmenter(nlp, example):
        yield changed.reference


def _unread(nlp: Language, reference: Doc) -> Doc:
    if reference.has_unknown_spaces:  # there is no text, only words
        return Doc(nlp.vocab, words=[token.text for token in reference])
    return nlp.make_doc(reference.text)
