from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.tags import TagScheme
from tests import tiny

Tagger = Model[list[Doc], Emissions]
MakeTagger = Callable[..., Tagger]


@pytest.fixture(scope="session")
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture(scope="session")
def byte_encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random RoBERTa whose tokenizer is cased and has a piece for every byte."""
    return tiny.save_encoder(tmp_path_factory.mktemp("byte-encoder"), "roberta")


@pytest.fixture(scope="session")
def make_tagger(tiny_encoder_dir: Path) -> MakeTagger:
    """Builds an initialized model whose every part has a say in the emissions."""

    def make(
        folder: Path = tiny_encoder_dir,
        *,
        scheme: TagScheme | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Tagger:
        settings = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32", **settings}
        model = build_transformer_tagger_v1(str(folder), **settings)
        shim = model.shims[0]
        shim.scheme = scheme or TagScheme("BIO", ["PER", "LOC"])
        torch.manual_seed(seed)
        model.initialize()
        with torch.no_grad():
            shim.module.head.linear.weight.mul_(20)
            forms = shim.module.encoder.word_forms
            if forms is not None:
                forms.weight[1:] = 0.1 * torch.randn_like(forms.weight[1:])
            for parameter in shim.module.head.decoder.parameters():
                parameter.normal_()
        return model

    return make
