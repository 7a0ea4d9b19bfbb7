"""`spacy_ner_plus.ContextDropout.v1`: words around entities are left out."""

from random import Random

from spacy import registry
from spacy.language import Language

from .doc_augmenter import TextAugmenter
from .token_rewriting import NewToken, Passage, Rewriting


@registry.augmenters("spacy_ner_plus.ContextDropout.v1")
def make_context_dropout_v1(
    level: float = 0.1,
    p: float = 0.1,
    seed: int | None = None,
    window: int | None = None,
) -> "ContextDropout":
    """Create an augmenter that leaves out words around entities, so that a model relies on none.

    level (float): The share of documents that are changed.
    p (float): The probability for each token of these that is in no entity. Tokens that are not
        annotated stay, and so do those between two others without a space, which would be one.
    seed (int): See TextAugmenter.
    window (int): Only tokens that are at most so many away from an entity; None for all.
    RAISES ValueError: A setting is out of range.
    """
    return ContextDropout(level, p, seed, window=window)


class ContextDropout(TextAugmenter):
    """See make_context_dropout_v1."""

    def __init__(
        self, level: float, p: float, seed: int | None = None, *, window: int | None = None
    ) -> None:
        super().__init__(level, p, seed)
        if window is not None and (type(window) is not int or window < 1):
            raise ValueError(f"window = {window!r} must be a number of tokens, or null for all.")
        self.window = window

    def rewrite(self, passage: Passage, chance: Random, nlp: Language) -> Rewriting:
        """See TextAugmenter."""
        found = Rewriting()
        kept = passage.tokens_in_spans() | passage.unknown
        near = self._near(passage)
        made = found.tokens
        for token in range(len(passage)):
            may_go = token in near and token not in kept and passage.is_solid(token)
            is_last = token + 1 == len(passage)
            is_apart = is_last or not made or made[-1].has_space or passage.spaces[token]
            is_only = is_last and not made
            if may_go and is_apart and not is_only and chance.random() < self.p:
                found.n_edits += 1
                if passage.spaces[token] and made:
                    last = made.pop()
                    made.append(NewToken(last.word, True, last.first, last.end))
            else:
                made.append(passage.kept(token))
        return found

    def _near(self, passage: Passage) -> set[int]:
        if self.window is None:
            return set(range(len(passage)))
        around = (range(s - self.window, e + self.window) for s, e, _ in passage.spans)
        return {token for tokens in around for token in tokens}
