"""`spacy_ner_plus.InTurn.v1`: several augmenters, one after the other."""

from collections import Counter
from collections.abc import Iterator

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc

from .doc_augmenter import CHANGED, DOCUMENTS, DocAugmenter, SpacyAugmenter, varied


@registry.augmenters("spacy_ner_plus.InTurn.v1")
def make_in_turn_v1(*augmenters: SpacyAugmenter, keep_original: bool = False) -> "InTurn":
    """Create an augmenter of several.

    augmenters (Callable): In a config, blocks [corpora.train.augmenter.*.NAME], in their order.
        What one has made, the next one gets. They may be spaCy's own or anybody's.
    keep_original (bool): Give a document that was changed as it was, too, before.
    RAISES ValueError: There are none.
    """
    return InTurn(*augmenters, keep_original=keep_original)


class InTurn(DocAugmenter):
    """See make_in_turn_v1."""

    def __init__(self, *augmenters: SpacyAugmenter, keep_original: bool = False) -> None:
        super().__init__()
        if not augmenters:
            raise ValueError(
                "There are no augmenters: name them in blocks [corpora.train.augmenter.*.NAME]."
            )
        self.augmenters, self.keep_original = augmenters, keep_original

    def references(self, nlp: Language, reference: Doc) -> Iterator[Doc]:
        """See DocAugmenter."""
        self.counts[DOCUMENTS] += 1
        docs = [reference]
        for augmenter in self.augmenters:
            docs = [made for doc in docs for made in varied(augmenter, nlp, doc)]
        is_there = any(doc is reference for doc in docs)
        self.counts[CHANGED] += not is_there
        if self.keep_original and not is_there:
            yield reference
        yield from docs

    def tallies(self) -> list[tuple[str, Counter[str]]]:
        """See DocAugmenter: those of each, with its number."""
        found = []
        for number, augmenter in enumerate(self.augmenters, start=1):
            if isinstance(augmenter, DocAugmenter):
                found += [(f"{number}. {name}", counts) for name, counts in augmenter.tallies()]
        return found
