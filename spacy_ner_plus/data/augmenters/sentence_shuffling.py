"""`spacy_ner_plus.SentenceShuffling.v1`: the sentences of a document in another order."""

from itertools import pairwise
from random import Random

from spacy import registry
from spacy.language import Language

from .doc_augmenter import TextAugmenter
from .token_rewriting import NewToken, Passage, Rewriting

WITHOUT_SENTENCES = "documents of one sentence, or without sentence starts"


@registry.augmenters("spacy_ner_plus.SentenceShuffling.v1")
def make_sentence_shuffling_v1(
    level: float = 0.1, p: float = 1.0, seed: int | None = None
) -> "SentenceShuffling":
    """Create an augmenter that puts the sentences of documents in another order.

    level (float): The share of documents that are changed; those whose sentence starts are not
        known stay as they are.
    p (float): The probability of each sentence of these to change its place with others that do.
        Sentences that an entity goes across stay together.
    seed (int): See TextAugmenter.
    RAISES ValueError: A setting is out of range.
    """
    return SentenceShuffling(level, p, seed)


class SentenceShuffling(TextAugmenter):
    """See make_sentence_shuffling_v1."""

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        blocks = _blocks(passage)
        if len(blocks) < 2:
            self.counts[WITHOUT_SENTENCES] += 1
        places = [place for place in range(len(blocks)) if chance.random() < self.p]
        order = list(range(len(blocks)))
        for place, other in zip(places, chance.sample(places, len(places)), strict=True):
            order[place] = other
        found = Rewriting(n_edits=sum(place != block for place, block in enumerate(order)))
        for block in order:
            if found.tokens:
                found.tokens[-1] = _apart(found.tokens[-1])
            found.tokens += [passage.kept(token) for token in range(*blocks[block])]
        return found


def _blocks(passage: Passage) -> list[tuple[int, int]]:
    """The tokens of what stays together, from left to right."""
    within = passage.gaps_in_spans()
    starts = [start for start in passage.sentence_starts if start not in within]
    return list(pairwise([*starts, len(passage)])) if starts else []


def _apart(token: NewToken) -> NewToken:
    """A token that another sentence may follow."""
    if token.word.isspace():
        return token
    return NewToken(token.word, True, token.first, token.end)
