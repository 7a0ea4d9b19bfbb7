"""From a fine-tuned checkpoint to a pipeline that predicts, in one call."""

from typing import Any

import spacy
from spacy.language import Language


def from_checkpoint(name: str, lang: str = "en", **settings: Any) -> Language:
    """A pipeline with the encoder, the labels and the weights of a fine-tuned checkpoint.

    That is a token classifier that was fine-tuned with Hugging Face's transformers. The pipeline
    needs no training, see docs/checkpoints.md.

    name (str): Name on the hub, or a folder that save_pretrained wrote.
    lang (str): Code of the language, for spaCy's tokenizer.
    settings: Of the architecture spacy_ner_plus.TransformerTagger.v1, such as device="cpu".
    RETURNS (Language): A blank pipeline with the component ner_plus.
    RAISES ValueError: If there is no such checkpoint, or it is an encoder without labels of its
        own. TagNamesError: If its tags can be read in several ways.
    """
    nlp = spacy.blank(lang)
    nlp.add_pipe("ner_plus", config={"model": {"name": name, **settings}})
    nlp.initialize()
    return nlp
