"""Training: steps of every system in turn, and the models that come of it."""

import shutil
import statistics
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin
from spacy.training.batchers import minibatch_by_words

from benchmarks.speed.plain_training import PlainTraining
from benchmarks.speed.rounds import Pass, as_json, summarise, take_turns
from benchmarks.speed.settings import Run
from benchmarks.speed.spacy_training import (
    PlainFunctionsTraining,
    SpacyTraining,
    ner_plus_config,
    spacy_ner_config,
)
from benchmarks.speed.texts import read_docs
from benchmarks.speed.workers import Worker, WorkerError, stop_all

SPACY_NER = "spaCy ner + spacy-transformers"
WINDOW = 256  # of wordpieces, as in configs/cpu.cfg


def ner_plus_name(precision: str) -> str:
    return f"ner_plus {precision}"


def plain_name(precision: str) -> str:
    return f"plain loop {precision}"


def before_name(precision: str) -> str:
    """Of ner_plus with torch's own functions."""
    return f"{ner_plus_name(precision)} plain functions"


def model_folder(run: Run, name: str) -> Path:
    """Where the model of a system is saved."""
    return run.settings.models / name.replace(" ", "-").lower()


def train_all(run: Run) -> dict[str, Any]:
    """Train all systems, save their models, and return the figures as plain data."""
    run.progress.start("training")
    s = run.settings
    s.models.mkdir(parents=True, exist_ok=True)
    docs = read_docs(s.data, "train", spacy.blank(s.lang), group=s.group)
    corpus = s.models / "train.spacy"
    DocBin(attrs=("ENT_IOB", "ENT_TYPE", "SENT_START"), docs=docs).to_disk(corpus)
    batch_words = words_of_a_batch(docs, s.batch_words)
    workers = _start(run, corpus, batch_words)
    one_pass = partial(_one_pass, steps=s.amounts.steps)
    run.progress.say(f"{s.amounts.steps} steps of warm-up, not counted")
    warm = take_turns(workers, one_pass, rounds=1, progress=run.progress)
    workers = {name: workers[name] for name in warm}
    turns = take_turns(workers, one_pass, rounds=s.amounts.rounds, progress=run.progress)
    for name in turns:
        folder = model_folder(run, name)
        shutil.rmtree(folder, ignore_errors=True)
        workers[name].call("save", folder)
    stop_all(workers.values())
    baselines = {plain_name(precision): plain_name(precision) for precision in s.precisions}
    summaries = summarise(turns, baselines | {SPACY_NER: SPACY_NER})
    n_steps = s.amounts.steps * (s.amounts.rounds + 1)
    return {
        "steps": n_steps,
        "words": sum(map(len, docs)),
        "batch_words": batch_words,
        "passes_over_data": n_steps * batch_words / sum(map(len, docs)),
        "systems": as_json(turns, summaries),
    }


def _one_pass(worker: Worker, steps: int) -> Pass:
    worker.call("prepare", steps)
    reply = worker.call("learn", steps)
    words, pieces = worker.call("learned").value
    return Pass(reply.seconds, words, pieces, reply.memory, reply.others, reply.gpu_use)


def words_of_a_batch(docs: list[Doc], size: int) -> int:
    """What spaCy's batcher makes of a size on average: documents are whole, so it is less."""
    batches = minibatch_by_words(docs, size=size, tolerance=0.2, discard_oversize=False)
    return round(statistics.mean(sum(map(len, batch)) for batch in batches))


def _start(run: Run, corpus: Path, batch_words: int) -> dict[str, Worker]:
    """A worker for each system that can be built.

    batch_words (int): In the batches that spaCy makes, and so in those of the plain loop.
    """
    s = run.settings
    n_steps = s.amounts.steps * (s.amounts.rounds + 1)
    overrides = {
        "nlp.lang": s.lang,
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        "paths.encoder": s.encoder,
        "training.batcher.size": s.batch_words,
        "training.optimizer.learn_rate.initial_rate": s.rate,
        "training.optimizer.learn_rate.warmup_steps": n_steps // 10,
        "training.optimizer.learn_rate.total_steps": n_steps,
    }
    plain = {
        "train": corpus, "encoder": s.encoder, "device": s.device, "lang": s.lang,
        "window": WINDOW, "batch_words": batch_words, "rate": s.rate, "n_steps": n_steps,
    }  # fmt: skip
    builds: dict[str, tuple[Any, dict[str, Any]]] = {}
    for precision in s.precisions:
        builds[plain_name(precision)] = PlainTraining, {**plain, "precision": precision}
    for precision in s.precisions:
        settings = {"overrides": overrides, "precision": precision, "device": s.device}
        given = {"make_config": ner_plus_config, "settings": settings, "device": s.device}
        builds[ner_plus_name(precision)] = SpacyTraining, given
        if s.device == "cpu":
            builds[before_name(precision)] = PlainFunctionsTraining, given
    if can_run_spacy_ner(run):
        builds[SPACY_NER] = (
            SpacyTraining,
            {
                "make_config": spacy_ner_config,
                "settings": {"overrides": overrides},
                "device": s.device,
                "needs_cupy": True,
            },
        )
    return start_workers(run, builds)


def can_run_spacy_ner(run: Run) -> bool:
    """Whether all is installed that it needs; says what is not."""
    needs = {"spacy_transformers": "spacy_ner_plus[shared]"}
    if run.settings.device.startswith("cuda"):
        needs["cupy"] = "CuPy, without which spacy-transformers uses no GPU"
    missing = [advice for module, advice in needs.items() if not find_spec(module)]
    if missing:
        run.progress.say(f"left out: {SPACY_NER}: install {', '.join(missing)}")
    return not missing


def start_workers(run: Run, builds: dict[str, tuple[Any, dict[str, Any]]]) -> dict[str, Worker]:
    """Workers by name; those that can't be built are left out with a message."""
    started = {
        name: Worker(name, build, threads=run.settings.threads, **settings)
        for name, (build, settings) in builds.items()
    }
    workers: dict[str, Worker] = {}
    for name, worker in started.items():
        try:
            worker.wait()
        except WorkerError as error:
            run.progress.say(f"left out: {error}")
        else:
            workers[name] = worker
            run.progress.say(f"ready: {name}")
    return workers
