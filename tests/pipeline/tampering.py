"""Saved pipelines, and ways to change their files as a stranger would who knows the format."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language
from spacy.util import fix_random_seed

from spacy_ner_plus.pipeline.saving.saved_component import ComponentFiles
from spacy_ner_plus.pipeline.saving.saved_model import ALL_FILES
from tests.pipeline.samples import make_examples, shake_head

TOKEN_TAGGER = "spacy_ner_plus.TokenTagger.v1"
TOK2VECS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bilstm": lambda encoder: {
        "@architectures": "spacy_ner_plus.BiLSTM.v1",
        "hidden_size": 16,
        "learned_width": 16,
        "min_freq": 1,
        "device": "cpu",
    },
    "cnn": lambda encoder: {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 32,
        "depth": 1,
        "embed_size": 100,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
    "encoder": lambda encoder: {
        "@architectures": "spacy_ner_plus.Transformer.v1",
        "name": str(encoder),
        "width": 32,
        "device": "cpu",
        "window": 64,
        "overlap": 16,
    },
    "lstm": lambda encoder: {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 16,
            "attrs": ["NORM"],
            "rows": [100],
            "include_static_vectors": False,
        },
        "encode": {
            "@architectures": "spacy.TorchBiLSTMEncoder.v1",
            "width": 16,
            "depth": 1,
            "dropout": 0.0,
        },
    },
    "spacy-transformers": lambda encoder: {
        "@architectures": "spacy-transformers.Tok2VecTransformer.v3",
        "name": str(encoder),
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 64,
            "stride": 48,
        },
        "pooling": {"@layers": "reduce_mean.v1"},
        "tokenizer_config": {"use_fast": True},
        "transformer_config": {},
        "grad_factor": 1.0,
        "mixed_precision": False,
        "grad_scaler_config": {},
    },
}


def token_tagger_nlp(encoder: Path, kind: str) -> Language:
    """A pipeline with weights that have learned nothing, with the head over some tok2vec."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    model = {"@architectures": TOKEN_TAGGER, "device": "cpu", "tok2vec": TOK2VECS[kind](encoder)}
    ner = nlp.add_pipe("ner_plus", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp, 2))
    shake_head(ner)
    return nlp


def copy_of(folder: Path, target: Path) -> Path:
    """A copy of a pipeline's folder. RETURNS: The component's folder in it."""
    shutil.copytree(folder, target)
    return target / "ner_plus"


def reseal(component: Path) -> None:
    """Make the manifest fit the files, as somebody does who knows the format."""
    ComponentFiles(ALL_FILES).write_manifest(component / "manifest.json")


def change_json(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf8")


def to_format_2(component: Path) -> None:
    """Make a component's folder what 0.2.0 to 0.4.0 wrote: labels in cfg, and not only there."""
    path = component / "model" / "tagger.json"
    scheme = json.loads(path.read_text(encoding="utf8"))["scheme"]
    own = {"format": 2, "tag_scheme": scheme["name"], "labels": scheme["labels"]}
    change_json(component / "cfg", lambda cfg: cfg.update(own))
    if (component / "model" / "weights.safetensors").exists():
        change_json(path, lambda settings: settings.update(format=2))
    else:
        path.unlink()
    reseal(component)
    change_json(component / "manifest.json", lambda manifest: manifest.update(format=2))


def change_shim(component: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the part of the only shim in tok2vec.msgpack, and reseal."""
    path = component / "model" / "tok2vec.msgpack"
    message = srsly.msgpack_loads(path.read_bytes())
    (parts,) = [parts for parts in message["shims"] if parts]
    part = srsly.msgpack_loads(parts[0])
    change(part)
    parts[0] = srsly.msgpack_dumps(part)
    path.write_bytes(srsly.msgpack_dumps(message))
    reseal(component)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")

    def as_pickle(self) -> bytes:
        return pickle.dumps(self)
