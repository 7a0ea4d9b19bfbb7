"""Training runs in processes of their own, which can be killed."""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
from spacy.cli.train import train as spacy_train
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.cli import app
from tests.pipeline.samples import read_sentences

# A copy of the parent: importing torch and spaCy anew takes longer than these runs.
FORK = multiprocessing.get_context("fork")

TRANSFORMER = """
[components.ner_plus]
factory = "ner_plus"

[components.ner_plus.model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
name = "{encoder}"
window = 64
overlap = 16
dropout = 0.1
"""

BILSTM = """
[components.ner_plus]
factory = "ner_plus"

[components.ner_plus.model]
@architectures = "spacy_ner_plus.TokenTagger.v1"

[components.ner_plus.model.tok2vec]
@architectures = "spacy_ner_plus.BiLSTM.v1"
hidden_size = 16
learned_width = 16
"""

# One optimizer in torch, another of thinc with averages; a shared tok2vec; a numpy loss (parser).
SHARED = """
[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 16
depth = 2
embed_size = 100
window_size = 1
maxout_pieces = 2
subword_features = true

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"
nO = null

[components.tagger.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 16

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

[components.ner.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 16
"""

CONFIG = """
[nlp]
lang = "en"
pipeline = {pipeline}

[components]
{components}

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{folder}/train.spacy"

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{folder}/dev.spacy"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 1
gpu_allocator = null
dropout = 0.2
accumulate_gradient = 2
patience = 0
max_epochs = 0
max_steps = 24
eval_frequency = 6

[training.batcher]
@batchers = "spacy.batch_by_words.v1"
tolerance = 0.2
discard_oversize = false

[training.batcher.size]
@schedules = "compounding.v1"
start = 120
stop = 200
compound = 1.05

[training.optimizer]
@optimizers = "Adam.v1"
use_averages = {averages}
L2 = 0.01

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
initial_rate = {rate}
warmup_steps = 4
total_steps = 30

[training.score_weights]
ents_f = 1.0

[training.logger]
@loggers = "spacy_ner_plus.ProgressLogger.v1"
output_file = "{folder}/log.jsonl"
"""


def write_corpora(folder: Path) -> None:
    """60 sentences to train with and 10 others; those of even number have tags, too."""
    folder.mkdir(parents=True, exist_ok=True)
    nlp = spacy.blank("en")
    docs = []
    for number, (words, tags) in enumerate(read_sentences(70)):
        doc = Doc(nlp.vocab, words=words, ents=tags)
        if number % 2 == 0:
            for token in doc:
                token.tag_ = token.suffix_[-1]
        docs.append(doc)
    DocBin(docs=docs[:60], store_user_data=False).to_disk(folder / "train.spacy")
    DocBin(docs=docs[60:]).to_disk(folder / "dev.spacy")


def write_config(
    folder: Path,
    encoder: Path | None,
    *,
    shared: bool = False,
    changes: dict[str, str] | None = None,
) -> Path:
    """Write the corpora and a config into a folder.

    encoder: A pretrained one; None for a BiLSTM. changes: Text to replace by other text.
    """
    write_corpora(folder)
    components = BILSTM if encoder is None else TRANSFORMER.format(encoder=encoder)
    config = CONFIG.format(
        folder=folder,
        components=SHARED + components if shared else components,
        pipeline='["tok2vec","tagger","ner","ner_plus"]' if shared else '["ner_plus"]',
        averages="true" if shared else "false",
        rate=0.01 if shared else 0.0005,
    )
    for old, new in (changes or {}).items():
        assert old in config
        config = config.replace(old, new)
    path = folder / "config.cfg"
    path.write_text(config, encoding="utf8")
    return path


def start(target: Callable[[], None], log: Path) -> Any:
    """Run a function in a new process, with what it prints in a file."""

    def main() -> None:
        with log.open("a") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
            sys.stdout = os.fdopen(1, "w", buffering=1)
            sys.stderr = os.fdopen(2, "w", buffering=1)
            target()

    process = FORK.Process(target=main)
    process.start()
    return process


def command(*arguments: object) -> Callable[[], None]:
    """`python -m spacy ner-plus train` with these arguments."""
    return lambda: app(["train", *map(str, arguments)], prog_name="ner-plus")


def finish(process: Any) -> int:
    """Wait for the end. RETURNS (int): The exit status, negative for a signal."""
    process.join(300)
    status = process.exitcode
    if status is None:
        process.kill()
        raise TimeoutError("The training takes too long.")
    return int(status)


def run(*arguments: object, log: Path, before: Callable[[], None] | None = None) -> int:
    """Run the command. before: What to do in its process first."""
    train = command(*arguments)

    def target() -> None:
        if before is not None:
            before()
        train()

    return finish(start(target, log))


def run_spacy(config: Path, output: Path, *, log: Path) -> int:
    """Run `spacy train`."""
    return finish(start(lambda: spacy_train(config, output), log))


def read_tree(folder: Path) -> dict[str, bytes]:
    """The content of all files in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a log file without times."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    for row in rows:
        del row["words_per_second"], row["seconds"], row["peak_memory"]
        row["scores"].pop("speed")
    return rows
