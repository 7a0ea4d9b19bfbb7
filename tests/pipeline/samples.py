"""Pipelines and examples for the component's tests: real sentences, tiny random encoders."""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tokenizers.processors import BertProcessing

from spacy_ner_plus.data.formats.column_tags import read_tags
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests import tiny

# Sentences that the trained pipeline knows (the first has 4 entities), one
# with an entity over a double space, and what is odd: no text, no words, other scripts.
TEXTS = [
    "Effects of tetrandrine and fangchinoline on experimental thrombosis in mice and human "
    "platelet aggregation .",
    "A lesser degree of orthostatic hypotension occurred with standing .",
    "",
    "Severe heart  failure followed.",
    "  \n\t ",
    "Nothing of interest here.",
    "hypotension",
    "Selegiline - induced postural hypotension in Parkinson ' s disease : a longitudinal study on "
    "the effects of drug withdrawal .",
    "Thrombosis 😀 induced by selegiline, 北京 السلام عليكم fangchinoline.",
]


def chunk_wordpiece() -> Tokenizer:
    """An uncased WordPiece tokenizer with frequent words whole and others in chunks of 4.

    Made without a trainer: those of the tokenizers library give another vocabulary each time, and
    with it another random encoder.
    """
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text in tiny.sample_texts():
        normal = tokenizer.normalizer.normalize_str(text)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    pieces = {word for word, count in counts.items() if count >= 5}
    for word in counts:
        pieces.update(word, (f"##{char}" for char in word), [word[:4]])
        pieces.update(f"##{word[i : i + 4]}" for i in range(4, len(word), 4))
    vocabulary = {piece: i for i, piece in enumerate([*tiny.SPECIAL, *sorted(pieces)])}
    tokenizer.model = models.WordPiece(vocab=vocabulary, unk_token="[UNK]")
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


@cache
def read_sentences(n: int = 20) -> list[tuple[list[str], list[str]]]:
    """Words and BIO tags of the first sentences of the sample corpus that have entities."""
    found: list[tuple[list[str], list[str]]] = []
    for block in tiny.CORPUS.read_text(encoding="utf8").split("\n\n"):
        words, tags = zip(*(line.split("\t") for line in block.splitlines()), strict=True)
        if set(tags) != {"O"}:
            found.append((list(words), list(tags)))
        if len(found) == n:
            break
    return found


def make_examples(nlp: Language, n: int = 20) -> list[Example]:
    """Examples of the first sentences with entities: 46 chemicals and diseases in 20."""
    examples = []
    for words, tags in read_sentences(n):
        reference = Doc(nlp.vocab, words=words)
        reference.set_ents([Span(reference, *span) for span in read_tags(tags, "BIO")])
        examples.append(Example(Doc(nlp.vocab, words=words), reference))
    return examples


def spaced_example(nlp: Language) -> Example:
    """An entity that runs over a whitespace token."""
    reference = nlp.make_doc("Severe heart  failure followed.")
    reference.set_ents([Span(reference, 1, 4, "Disease")])
    return Example(nlp.make_doc(reference.text), reference)


def make_nlp(encoder: Path, **settings: Any) -> Language:
    """A blank pipeline with the component; settings of the model start with "model_"."""
    nlp = spacy.blank("en")
    add_ner_plus(nlp, encoder, **settings)
    return nlp


def add_ner_plus(
    nlp: Language, encoder: Path, *, pipe_name: str = "ner_plus", **settings: Any
) -> NerPlus:
    model = {"name": str(encoder), "window": 128, "overlap": 32, "dropout": 0.0}
    model |= {"head_lr_scale": 20.0, "precision": "fp32", "device": "cpu"}
    own = {}
    for key, value in settings.items():
        if key.startswith("model_"):
            model[key.removeprefix("model_")] = value
        else:
            own[key] = value
    return nlp.add_pipe("ner_plus", name=pipe_name, config={**own, "model": model})


def initialized_nlp(encoder: Path, *, n: int = 4, seed: int = 0, **settings: Any) -> Language:
    """A pipeline with weights that have learned nothing."""
    fix_random_seed(seed)
    nlp = make_nlp(encoder, **settings)
    nlp.initialize(lambda: make_examples(nlp, n))
    return nlp


def overfit(nlp: Language, examples: list[Example], *, extra_steps: int = 0) -> float:
    """Train on a batch until its entities are found, and return the F1 score reached.

    extra_steps: how often to go on after that, for scores that leave no doubt.
    """
    ner = nlp.get_pipe("ner_plus")
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    for step in range(1, 101):  # 20 to 45 steps do for all settings
        ner.update(examples, sgd=optimizer)
        if step >= 16 and step % 4 == 0 and _is_learned(ner, examples):
            break
    for _ in range(extra_steps):
        ner.update(examples, sgd=optimizer)
    fresh = [Example(eg.predicted.copy(), eg.reference) for eg in examples]
    return float(nlp.evaluate(fresh)["ents_f"])


def _is_learned(ner: NerPlus, examples: list[Example]) -> bool:
    found = ner.predict([eg.predicted for eg in examples])
    return all(
        spans(entities, ner.labels) == gold_spans(eg)
        for entities, eg in zip(found, examples, strict=True)
    )


def spans(entities: Entities, labels: tuple[str, ...]) -> list[tuple[int, int, str]]:
    return [
        (int(start), int(end), labels[label])
        for start, end, label in zip(entities.starts, entities.ends, entities.labels, strict=True)
    ]


def gold_spans(example: Example) -> list[tuple[int, int, str]]:
    return [(ent.start, ent.end, ent.label_) for ent in example.reference.ents]


def found_in(doc: Doc) -> list[tuple[int, int, str, str]]:
    """All that matters of a Doc's entities but their probabilities."""
    return [(ent.start_char, ent.end_char, ent.label_, ent.text) for ent in doc.ents]


def probabilities(doc: Doc) -> list[float]:
    return [ent._.probability for ent in doc.ents]


def assert_same_predictions(docs: list[Doc], others: list[Doc], *, within: float = 0.0) -> None:
    assert [found_in(doc) for doc in docs] == [found_in(doc) for doc in others]
    for doc, other in zip(docs, others, strict=True):
        np.testing.assert_allclose(probabilities(doc), probabilities(other), rtol=0, atol=within)


def weights(ner: NerPlus) -> dict[str, torch.Tensor]:
    """A copy of the weights by name."""
    return {name: t.clone() for name, t in ner.shim.module.state_dict().items()}


def assert_same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def gradients(ner: NerPlus) -> dict[str, torch.Tensor]:
    """A copy of the gradients by parameter; those never reached are left out."""
    return {
        name: p.grad.clone() for name, p in ner.shim.module.named_parameters() if p.grad is not None
    }


def shake_head(ner: NerPlus, *, scale: float = 1.0, seed: int = 0) -> None:
    """Give head and CRF random weights, so that scores are far apart without training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in ner.shim.module.head.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
