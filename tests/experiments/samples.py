"""A tiny corpus and configs that train within a second."""

from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from thinc.api import Config

from spacy_ner_plus.experiments.results import RunScores, SupportedMeasures
from tests.pipeline.samples import read_sentences

CNN = """
[components.{name}.model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 16
depth = 1
embed_size = 200
window_size = 1
maxout_pieces = 2
subword_features = true
"""

NER_PLUS = """
[components.ner_plus]
factory = "ner_plus"

[components.ner_plus.model]
@architectures = "spacy_ner_plus.TokenTagger.v1"
device = "cpu"
""" + CNN.format(name="ner_plus")

NER = """
[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 16
maxout_pieces = 2
use_upper = true
nO = null
""" + CNN.format(name="ner")

READERS = {"ner": "spacy.Corpus.v1", "ner_plus": "spacy_ner_plus.Corpus.v1"}

CONFIG = """
[nlp]
lang = "en"
pipeline = ["{name}"]

[components]
{components}

[corpora]

[corpora.train]
@readers = "{reader}"
path = null

[corpora.dev]
@readers = "{reader}"
path = null

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 3
gpu_allocator = null
dropout = 0.1
max_steps = 30
eval_frequency = 10

[training.batcher]
@batchers = "spacy.batch_by_words.v1"
size = 100
tolerance = 0.2
discard_oversize = false

[training.optimizer]
@optimizers = "Adam.v1"
learn_rate = 0.01

[training.score_weights]
ents_f = 1.0

[training.logger]
@loggers = "spacy.ConsoleLogger.v2"
output_file = "{log_file}"
"""


def config_text(name: str = "ner_plus", *, log_file: Path = Path("log.jsonl")) -> str:
    """A config with one component, "ner" or "ner_plus"."""
    components = {"ner": NER, "ner_plus": NER_PLUS}[name]
    return CONFIG.format(
        name=name, components=components, reader=READERS[name], log_file=log_file.as_posix()
    )


def read_config(name: str = "ner_plus") -> Config:
    return Config().from_str(config_text(name), interpolate=False)


def write_corpus(path: Path, start: int, end: int) -> Path:
    """Write some of the sample sentences, each a document with its number as user data."""
    nlp = spacy.blank("en")
    docs = []
    for number, (words, tags) in enumerate(read_sentences(end)[start:], start=start):
        doc = Doc(nlp.vocab, words=words, ents=tags)
        doc.user_data["number"] = number
        docs.append(doc)
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def make_scores(micro: float, **types: float) -> RunScores:
    """Scores of which all measures are the same; the later types have more support."""
    per_type = {label: _measures(value, 10 + i) for i, (label, value) in enumerate(types.items())}
    return RunScores(_measures(micro, 30), _measures(micro, 30), per_type)


def _measures(value: float, support: int) -> SupportedMeasures:
    return SupportedMeasures(precision=value, recall=value, f1=value, support=support)
