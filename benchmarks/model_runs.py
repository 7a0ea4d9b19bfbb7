"""One run of benchmarks/models.py: a training with its scores, a trial of threads, or speeds."""

import random
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from model_systems import ALL_SYSTEMS, Corpora, System, make_config
from runs import batches, learn
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_model_from_config
from spacy.vocab import Vocab
from thinc.api import Config

import spacy_ner_plus
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.metrics.spans import count_spans, scores_of
from spacy_ner_plus.pipeline.capabilities import HasCalibration, HasTaggerShim
from spacy_ner_plus.support.peak_memory import peak_memory
from spacy_ner_plus.tags import Span

MODEL = "model"
# Development data of a part of the training data: a quarter as many sentences, and at least these.
LEAST_DEV = 50
# Of a trial.
TRIAL_SENTENCES, TRIAL_BATCH, TRIAL_STEPS, WARM_STEPS = 500, 1000, 8, 2
# A speed is the median of some rounds, each of at least so many seconds.
ROUNDS, LEAST_SECONDS = 3, 2.0


@dataclass(frozen=True)
class Setup:
    """What all runs share.

    folder (Path): Where corpora, models and results are.
    quick (bool): As little as can be.
    """

    folder: Path
    encoder: Path
    vectors: Path | None
    first_seed: int = 0
    quick: bool = False

    def corpus(self, data: str, part: str) -> Path:
        return self.folder / data / f"{part}.spacy"

    def run_folder(self, data: str, system: str, size: str, seed: int) -> Path:
        return self.folder / data / f"{system}.{size}.{seed}"

    def model(self, data: str, system: str) -> Path:
        """The pipeline that has learned from all sentences, with the first seed."""
        return self.run_folder(data, system, "all", self.first_seed) / MODEL


def train_and_score(setup: Setup, data: str, name: str, size: str, seed: int) -> dict[str, float]:
    """Train with `size` sentences, or "all"; calibrate with development data, score test data.

    The pipeline that has learned from all, with the first seed, stays in the folder.
    """
    system = ALL_SYSTEMS[name]
    folder = new_folder(setup.run_folder(data, name, size, seed))
    corpora = part_of(setup, data, size, seed, folder)
    config = make_config(system, corpora, seed, folder, is_part=size != "all")
    started, cpu_started = time.perf_counter(), cpu_seconds()
    best = train(system, config, folder / "training", quick=setup.quick)
    scores = {
        "sentences": len(DocBin().from_disk(corpora.train)),
        "train_seconds": time.perf_counter() - started,
        "train_cpu_seconds": cpu_seconds() - cpu_started,
        "train_memory": peak_memory()["memory"],
    }
    nlp = spacy.load(best)
    if isinstance(nlp.get_pipe(system.component), HasCalibration):
        done = spacy_ner_plus.calibrate(
            nlp, corpora.dev, if_enough=True, component=system.component
        )
        scores["calibrated"] = float(done.problem is None)
    nlp.to_disk(folder / MODEL)
    scores["bytes"] = bytes_in(folder / MODEL)
    scores |= test_scores(nlp, setup.corpus(data, "test"))
    if (pipe := tagger_without_crf(nlp, system)) is not None:
        scores["raw_f1"] = raw_f1(pipe, make_corpus_v1(setup.corpus(data, "test"))(nlp))
    shutil.rmtree(folder / "training")
    if folder / MODEL != setup.model(data, name):
        shutil.rmtree(folder)
    return scores


def new_folder(folder: Path) -> Path:
    """Without what a run that was stopped has left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def part_of(setup: Setup, data: str, size: str, seed: int, folder: Path) -> Corpora:
    """Training and development data, of which the larger parts of a seed contain the smaller."""
    parts = {part: setup.corpus(data, part) for part in ("train", "dev")}
    if size != "all":
        sizes = {"train": int(size), "dev": max(LEAST_DEV, int(size) // 4)}
        for part, n in sizes.items():
            docs = list(DocBin().from_disk(parts[part]).get_docs(Vocab()))
            chosen = random.Random(seed).sample(docs, len(docs))[:n]
            parts[part] = folder / f"{part}.spacy"
            DocBin(docs=chosen, store_user_data=True).to_disk(parts[part])
    return Corpora(parts["train"], parts["dev"], setup.encoder, setup.vectors)


def train(system: System, config: Config, output: Path, *, quick: bool = False) -> Path:
    """RETURNS (Path): The best checkpoint."""
    if system.kind == "rules":  # nothing is learned by steps
        output.mkdir()
        initialized(config).to_disk(output / "model-best")
    else:
        overrides = {"training.max_steps": 2, "training.eval_frequency": 2} if quick else {}
        if not spacy_ner_plus.train(config, output, overrides=overrides):
            raise SystemExit(f"{output}: training was stopped.")
    return output / "model-best"


def initialized(config: Config) -> Language:
    """The pipeline before the first step; of rules, whose config has no training, all of it."""
    if "training" in config:
        return init_nlp(config)
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize()
    return nlp


def test_scores(nlp: Language, test: Path) -> dict[str, float]:
    """Exact F1 with its interval, and how far probabilities are off, if there are any."""
    metrics = spacy_ner_plus.evaluate(nlp, test).metrics
    micro = metrics.exact.micro
    scores = {"f1": micro.f1, "precision": micro.precision, "recall": micro.recall}
    if metrics.intervals is not None:
        scores["f1_low"], scores["f1_high"] = metrics.intervals.micro.f1
    if metrics.confidence is not None:
        scores["ece"] = metrics.confidence.reliability.after.ece
    return scores


def tagger_without_crf(nlp: Language, system: System) -> HasTaggerShim | None:
    pipe = nlp.get_pipe(system.component)
    is_plain = isinstance(pipe, HasTaggerShim) and "use_crf" in str(system.settings)
    return pipe if is_plain else None


def raw_f1(pipe: HasTaggerShim, examples: Iterable[spacy.training.Example]) -> float:
    """Micro F1 of the best tag of each token by itself, valid or not, as is usual without a CRF."""
    examples = list(examples)
    emissions = pipe.model.predict([example.predicted for example in examples])
    tag_ids = emissions.scores.argmax(dim=1).cpu().numpy()  # (n_rows,)
    names = pipe.shim.scheme.tags
    found, start = [], 0
    for tokens in emissions.row_tokens:
        tags = [names[i] for i in tag_ids[start : start + len(tokens)]]
        start += len(tokens)
        found.append([(int(tokens[s]), int(tokens[e - 1]) + 1, x) for s, e, x in chunks(tags)])
    gold = [[(e.start, e.end, e.label_) for e in eg.reference.ents] for eg in examples]
    _, counts = count_spans(gold, found)
    return float(scores_of(counts.sum(axis=0)).micro[2])


def chunks(tags: Sequence[str]) -> list[Span]:
    """The entities of any sequence of tags, as conlleval reads it: nothing is invalid.

    A tag that goes on from one of another type, or from nothing, begins an entity.
    """
    spans: list[Span] = []
    start, label, is_closed = 0, "", True
    for i, tag in enumerate([*tags, "O"]):
        prefix, _, own = tag.partition("-")
        begins = prefix in ("B", "U") or own != label or is_closed
        if label and (begins or prefix == "O"):
            spans.append((start, i, label))
        if prefix == "O":
            label, is_closed = "", True
            continue
        if begins:
            start = i
        label, is_closed = own, prefix in ("L", "U")
    return spans


# Time


def trial(setup: Setup, data: str, name: str) -> dict[str, float]:
    """Words that a system learns from each second, with the threads that this process has."""
    system = ALL_SYSTEMS[name]
    folder = new_folder(setup.folder / data / f"{name}.trial")
    corpora = part_of(setup, data, str(TRIAL_SENTENCES), 0, folder)
    config = make_config(system, corpora, 0, folder)
    started = time.perf_counter()
    nlp = initialized(config)
    scores = {"initialize_seconds": time.perf_counter() - started}
    examples = list(make_corpus_v1(corpora.train)(nlp))
    n_words = sum(len(example.predicted) for example in examples)
    if system.learns_in == "initialize":
        scores["train_words_per_second"] = n_words / scores["initialize_seconds"]
    else:
        steps = 1 if setup.quick else TRIAL_STEPS
        batch = min(TRIAL_BATCH, n_words)
        optimizer = nlp.create_optimizer()
        for n in (WARM_STEPS, steps):
            seconds = learn(nlp, optimizer, batches(examples, words=batch, steps=n, seed=0))
        scores["train_words_per_second"] = batch * steps / seconds
    shutil.rmtree(folder)
    return scores


def speeds(setup: Setup, data: str, name: str) -> dict[str, float]:
    """Words read each second by the pipeline of all sentences, with this process's threads."""
    nlp = spacy.load(setup.model(data, name))
    gold = list(DocBin().from_disk(setup.corpus(data, "test")).get_docs(nlp.vocab))
    words = [[token.text for token in doc] for doc in gold]
    spaces = [[bool(token.whitespace_) for token in doc] for doc in gold]
    texts = [doc.text for doc in gold]

    def docs() -> list[Doc]:
        return [Doc(nlp.vocab, *pair) for pair in zip(words, spaces, strict=True)]

    least = 0.0 if setup.quick else LEAST_SECONDS
    return {
        "tokens_per_second": speed(nlp, docs, least),
        "words_per_second": speed(nlp, lambda: texts, least),
        "memory": peak_memory()["memory"],
    }


def speed(nlp: Language, make: Callable[[], Sequence[str | Doc]], least_seconds: float) -> float:
    """Tokens in each second of nlp.pipe: the median of some rounds, after one to warm up.

    make (Callable): Makes what is read, and its time does not count.
    least_seconds (float): Of a round, which reads all as often as that takes.
    """
    found = []
    for round_seconds in (0.0, *ROUNDS * [least_seconds]):
        n_words, seconds = 0, 0.0
        while not n_words or seconds < round_seconds:
            given = make()
            started = time.perf_counter()
            n_words += sum(len(doc) for doc in nlp.pipe(given))
            seconds += time.perf_counter() - started
        found.append(n_words / seconds)
    return statistics.median(found[1:])


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
