"""How time and memory grow: with the length of a document, the number of documents, and of tags.

Length and number are tried with a tiny encoder by default: it leaves the overhead, which is what
could grow. Every encoder here has a new head, whose bias of O is set so that about one token in
twenty is outside of O.
"""

import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.training import Example
from transformers import AutoConfig, AutoModel, AutoTokenizer

from benchmarks.speed.machine import memory
from benchmarks.speed.stages import ProfiledPipeline
from benchmarks.speed.texts import blank, one_document

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
SHARE_TAGGED = 0.05
N_SAMPLES = 100


def make_tiny(encoder: str, folder: Path) -> None:
    """Write an encoder of the same kind and tokenizer, with next to no layers, not trained."""
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(encoder, **TINY)
    AutoModel.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)


def make_untrained(
    encoder: str, folder: Path, *, lang: str, n_tags: int, texts: list[str], window: int = 256
) -> None:
    """Write a ner_plus pipeline that finds a realistic number of meaningless entities.

    n_tags (int): Odd: O, and B and I of each label.
    texts (List[str]): By which the bias of O is set.
    window (int): Wordpieces in a window.
    """
    torch.manual_seed(0)
    nlp = spacy.blank(lang)
    model = {"name": encoder, "precision": "fp32", "window": window, "overlap": window // 8}
    component: Any = nlp.add_pipe("ner_plus", config={"tag_scheme": "BIO", "model": model})
    for number in range(n_tags // 2):
        component.add_label(f"L{number}")
    example = Example.from_dict(nlp.make_doc(texts[0]), {})
    nlp.initialize(lambda: [example])
    head = component.model.shims[0].module.head
    scores = component.emissions(list(map(nlp.make_doc, texts))).scores.cpu().numpy()
    lead = scores[:, 1:].max(axis=1) - scores[:, 0]
    with torch.no_grad():
        head.linear.bias[0] += float(np.quantile(lead, 1 - SHARE_TAGGED))
    nlp.to_disk(folder)


class GrowthTrial(ProfiledPipeline):
    """A pipeline that is given more and more to read."""

    def __init__(self, path: Path, overrides: dict[str, Any], device: str, lang: str) -> None:
        super().__init__(path, overrides, device)
        self.blank = blank(lang)
        self.nlp.max_length = self.blank.max_length

    def read_one(self, sentences: list[str], n_words: int, repeats: int) -> dict[str, float]:
        """One document of so many words: the median of seconds."""
        document = one_document(sentences, n_words, self.blank)
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            [doc] = self.nlp.pipe([document])
            seconds.append(time.perf_counter() - started)
        return {
            "words": len(doc),
            "entities": len(doc.ents),
            "seconds": float(np.median(seconds)),
            "peak_mib": memory().peak,
        }

    def stream(self, sentences: list[str], n_docs: int, repeats: int) -> dict[str, Any]:
        """So many short documents from a generator, none of which is kept."""
        seconds, resident, n_words = [], [], 0
        every = max(1, n_docs // N_SAMPLES)
        for repeat in range(repeats):
            started = time.perf_counter()
            docs = self.nlp.pipe(islice(cycle(sentences), n_docs))
            for number, doc in enumerate(docs):
                n_words += len(doc) if repeat == 0 else 0
                if number % every == 0 and repeat == 0:
                    resident.append(memory().resident)
            seconds.append(time.perf_counter() - started)
        return {
            "docs": n_docs,
            "words": n_words,
            "seconds": float(np.median(seconds)),
            "resident_mib": resident,
            "peak_mib": memory().peak,
        }
