"""Data that a pipeline will not be able to read, noticed before it is trained on them.

Training reads the tokens of the data; texts that come later have those of the pipeline's own
tokenizer, and the encoder reads wordpieces.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc

from ...models.runtime.tagger_shim import TaggerShim
from ...models.runtime.wordpiece_shim import WordpieceShim

# So many documents tell enough, and take no time beside training.
MOST_DOCS = 1000
# Odd tokens and characters are in every corpus.
LARGEST_SHARE = 0.05


@dataclass
class TokenFit:
    """How many gold entities start and end with tokens of the pipeline's own tokenizer.

    n_docs, n_entities, n_unfit (int): Of the documents that were looked at.
    example (str): An entity that does not.
    """

    n_docs: int = 0
    n_entities: int = 0
    n_unfit: int = 0
    example: str = ""

    def look_at(self, nlp: Language, reference: Doc) -> None:
        """Count the entities of a document, as long as not enough were seen."""
        if self.n_docs >= MOST_DOCS or not reference.ents:
            return
        self.n_docs += 1
        doc = nlp.tokenizer(reference.text)
        for ent in reference.ents:
            self.n_entities += 1
            if doc.char_span(ent.start_char, ent.end_char) is None:
                self.n_unfit += 1
                around = doc.char_span(ent.start_char, ent.end_char, alignment_mode="expand")
                tokens = [token.text for token in around or ()]
                self.example = self.example or f"{ent.text!r} is in the tokens {tokens}"

    def warn(self, name: str) -> None:
        """Warn if too many don't. name (str): The component."""
        if self.n_unfit > LARGEST_SHARE * self.n_entities:
            warnings.warn(
                f"{self.n_unfit:,} of {self.n_entities:,} gold entities don't start and end with "
                f"tokens of the pipeline's own tokenizer: '{name}' will not find such in plain "
                f"text. {self.example}. Take the tokenizer of the language (nlp.lang, and no "
                "nlp.tokenizer in the config), or one that cuts as the data do.",
                stacklevel=4,
            )


def warn_of_unknown_pieces(shim: TaggerShim, sample: Sequence[Doc], name: str) -> None:
    """Warn if the encoder's vocabulary lacks much of the text.

    sample (Sequence[Doc]): A few documents.
    name (str): The component.
    """
    if not isinstance(shim, WordpieceShim):
        return
    share = shim.tokenizer.unknown_share([doc.text for doc in sample])
    if share > LARGEST_SHARE:
        warnings.warn(
            f"{100 * share:.0f} % of the wordpieces that '{name}' reads stand for characters that "
            "the encoder's vocabulary lacks: it does not know this script. Take an encoder that "
            "does, such as xlm-roberta-base.",
            stacklevel=3,
        )
