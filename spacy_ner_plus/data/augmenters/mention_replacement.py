"""`spacy_ner_plus.MentionReplacement.v1`: another entity of the same type in the same place.

It is the mention replacement of Dai and Adel (2020), "An Analysis of Simple Data Augmentation for
Named Entity Recognition", with mentions drawn from the different ones, so that rare ones are seen.
"""

from collections import Counter
from pathlib import Path
from random import Random

from spacy import registry
from spacy.language import Language

from ...tags import Span as EntitySpan
from .doc_augmenter import TextAugmenter
from .mention_lists import MentionLists
from .token_rewriting import NewToken, Passage, Rewriting

WITHOUT_OTHER = "mentions without another of their label"
ENTANGLED = "mentions with others within or across"


@registry.augmenters("spacy_ner_plus.MentionReplacement.v1")
def make_mention_replacement_v1(
    level: float = 0.1,
    p: float = 0.5,
    seed: int | None = None,
    corpus: Path | None = None,
    gazetteer: Path | None = None,
    labels: list[str] | None = None,
) -> "MentionReplacement":
    """Create an augmenter that puts other mentions of the same label in the place of entities.

    level (float): The share of documents that are changed.
    p (float): The probability for each entity of these. One that has another entity within, or
        across its edge, stays; one that is within others is replaced.
    seed (int): See TextAugmenter.
    corpus (Path): A .spacy file, or a folder of such, whose entities are taken: the training data,
        in a config ${corpora.train.path}, so that experiments with parts of them see no others.
    gazetteer (Path): A list of phrases, .csv, .tsv or .jsonl, with `phrase` and `label`, and
        perhaps `id`, which is the entity's kb id then. It may be given with a corpus or without.
    labels (List[str]): The types whose entities are replaced; None for all.
    RAISES ValueError: A setting is out of range, or there is neither corpus nor gazetteer.
    """
    mentions = MentionLists(corpus, gazetteer)
    return MentionReplacement(level, p, seed, mentions=mentions, labels=labels)


class MentionReplacement(TextAugmenter):
    """See make_mention_replacement_v1."""

    def __init__(
        self,
        level: float,
        p: float,
        seed: int | None = None,
        *,
        mentions: MentionLists,
        labels: list[str] | None = None,
    ) -> None:
        super().__init__(level, p, seed)
        self.mentions = mentions
        self.labels = None if labels is None else frozenset(labels)

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        token = 0
        chosen = {span[0]: span for span in self._free(passage) if chance.random() < self.p}
        while token < len(passage):
            if token in chosen:
                start, end, label = chosen[token]
                made = self._other(passage, (start, end, label), chance, nlp)
                if made:
                    tokens, kb_id = made
                    found.tokens += tokens
                    found.n_edits += 1
                    found.replaced[start, end] = kb_id
                    token = end
                    continue
                self.counts[WITHOUT_OTHER] += 1
            found.tokens.append(passage.kept(token))
            token += 1
        return found

    def _free(self, passage: Passage) -> list[EntitySpan]:
        """The entities that have no others within or across, and one label, from left to right."""
        edges = passage.edges()
        n_labels = Counter(span[:2] for span in passage.spans)
        free = []
        for start, end, label in sorted(passage.spans):
            if self.labels is not None and label not in self.labels:
                continue
            if n_labels[start, end] > 1 or not edges.isdisjoint(range(start + 1, end)):
                self.counts[ENTANGLED] += 1
            else:
                free.append((start, end, label))
        return free

    def _other(
        self, passage: Passage, span: EntitySpan, chance: Random, nlp: Language
    ) -> tuple[list[NewToken], str] | None:
        """The tokens of another mention, and its kb id; None if there is none."""
        start, end, label = span
        pieces = zip(passage.words[start:end], passage.spaces[start:end], strict=True)
        text = "".join(word + " " * has_space for word, has_space in pieces)
        mention = self.mentions.draw(label, chance, text.rstrip(" "))
        if mention is None:
            return None
        words, spaces = mention.tokens(nlp)
        follows = (*spaces[:-1], passage.spaces[end - 1])
        tokens = [
            NewToken(word, has_space, start, end)
            for word, has_space in zip(words, follows, strict=True)
        ]
        return tokens, mention.kb_id
