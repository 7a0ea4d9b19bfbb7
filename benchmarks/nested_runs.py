"""One run of benchmarks/nested.py or germeval.py: a training and what it finds, a trial, speeds."""

import json
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from model_runs import initialized, new_folder
from nested_data import Division, read_docs, read_gold
from nested_plan import Job, Kind, Wanted
from nested_scores import ALL, F1, LEVELS, ScoredSpan, level_counts, level_scores
from nested_systems import SYSTEMS, Steps, System, make_config, planned_steps
from runs import batches, learn
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

import spacy_ner_plus
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.evaluation.confidence import Cuts

# Of a trial.
TRIAL_BATCH, TRIAL_STEPS, WARM_STEPS = 1000, 8, 2
# All take turns in reading, so often, after a turn to warm up, each time for so many seconds.
ROUNDS, LEAST_SECONDS = 5, 2.0
# Of probabilities in results.
DIGITS = 6
# The least threshold among those that are tried.
FLOOR = 0.05
QUICK = Steps(batch_words=100, max_steps=2, eval_frequency=2)


@dataclass(frozen=True)
class Setup:
    """What all runs share.

    wanted (Wanted): All of them.
    encoder (Path): Folder of the transformer.
    quick (bool): As little as can be.
    """

    wanted: Wanted
    encoder: Path
    lang: str
    quick: bool

    @property
    def folder(self) -> Path:
        return self.wanted.folder

    def division(self, job: Job) -> Division:
        return Division(self.folder, job.division)

    def steps(self, job: Job) -> Steps:
        if self.quick:
            return QUICK.times(job.setting.longer)
        division = self.division(job)
        encoder = SYSTEMS[job.system].encoder
        planned = planned_steps(encoder, division.words("train"), division.words("dev"))
        return planned.times(job.setting.longer)

    def config(self, job: Job) -> Config:
        return make_config(
            SYSTEMS[job.system],
            self.division(job),
            self.steps(job),
            encoder=self.encoder,
            lang=self.lang,
            seed=job.seed,
            rate=job.setting.rate,
        )


def carry_out(setup: Setup, job: Job) -> dict[str, float]:
    if job.kind is Kind.TRIAL:
        return trial(setup, job)
    if job.kind is Kind.SPEED:
        return speeds(setup, job)
    return train_and_find(setup, job)


# Training


def train_and_find(setup: Setup, job: Job) -> dict[str, float]:
    """Train, settle the rest with development data, and find the entities of test data.

    They are written to a file of their own, as found at first and in the end.
    """
    system, steps, division = SYSTEMS[job.system], setup.steps(job), setup.division(job)
    work = new_folder(job.work(setup.folder))
    started = time.perf_counter()
    if not spacy_ner_plus.train(setup.config(job), work):
        raise SystemExit(f"{work}: training was stopped.")
    scores = {
        "train_seconds": time.perf_counter() - started,
        "steps": steps.max_steps,
        "words": steps.max_steps * steps.batch_words,
    }
    nlp = spacy.load(work / "model-best")
    first = find(nlp, system, division.corpus("test"))
    scores |= settle(nlp, system, division.corpus("dev"))
    last = find(nlp, system, division.corpus("test"))
    job.spans(setup.folder).write_text(json.dumps({"first": first, "last": last}), "utf8")
    if job.division == setup.wanted.first:  # its speed is measured
        nlp.to_disk(job.model(setup.folder))
    shutil.rmtree(work)
    return scores | {
        "dev_f1": f1_of(division.corpus("dev"), find(nlp, system, division.corpus("dev"))),
        "test_f1": f1_of(division.corpus("test"), last),
    }


def settle(nlp: Language, system: System, dev: Path) -> dict[str, float]:
    """What is left to choose with development data: our calibration, or spancat's threshold."""
    if not system.is_searched:
        done = spacy_ner_plus.calibrate(nlp, dev, if_enough=True, component=system.component)
        return {"calibrated": float(done.problem is None)}
    pipe: Any = nlp.get_pipe(system.component)
    pipe.cfg["threshold"] = FLOOR
    threshold = best_threshold(nlp, system, dev)
    pipe.cfg["threshold"] = threshold
    return {"threshold": threshold}


def best_threshold(nlp: Language, system: System, dev: Path) -> float:
    """That of the highest F1, among those over FLOOR."""
    gold, found = read_gold(dev), find(nlp, system, dev)
    rows = [
        (probability, (start, end, label) in sentence.spans)
        for sentence, spans in zip(gold, found, strict=True)
        for start, end, label, probability in spans
    ]
    if not rows:
        return FLOOR
    probabilities, correct = map(np.array, zip(*rows, strict=True))  # (n,) each
    cuts = Cuts(probabilities, correct, sum(len(sentence.spans) for sentence in gold))
    best = cuts.best_f1()
    return FLOOR if best is None else max(FLOOR, cuts.threshold(best))


def find(nlp: Language, system: System, corpus: Path) -> list[list[ScoredSpan]]:
    """The entities of each sentence of a corpus, from its tokens alone."""
    source = EntitySource.named(system.where)
    return [
        [(its.start, its.end, its.label_, round(p or 0.0, DIGITS)) for its, p in source.scored(doc)]
        for doc in nlp.pipe(bare_docs(nlp, corpus))
    ]


def bare_docs(nlp: Language, corpus: Path) -> list[Doc]:
    """The tokens of the sentences of a corpus."""
    gold = read_docs(corpus, nlp.vocab)
    words = [[token.text for token in doc] for doc in gold]
    spaces = [[bool(token.whitespace_) for token in doc] for doc in gold]
    return [Doc(nlp.vocab, *pair) for pair in zip(words, spaces, strict=True)]


def f1_of(corpus: Path, found: Sequence[Sequence[ScoredSpan]]) -> float:
    """F1 of all entities in percent."""
    counts = level_counts(read_gold(corpus), found)  # (n_documents, 2, 4)
    return float(level_scores(counts.sum(axis=0))[LEVELS.index(ALL), F1])


def read_spans(job: Job, folder: Path) -> dict[str, list[list[ScoredSpan]]]:
    """What a training found in test data: "first", and "last", when all was settled."""
    rows: dict[str, list[list[list]]] = json.loads(job.spans(folder).read_text(encoding="utf8"))
    return {
        name: [[(start, end, label, p) for start, end, label, p in spans] for spans in sentences]
        for name, sentences in rows.items()
    }


# Time


def trial(setup: Setup, job: Job) -> dict[str, float]:
    """Words that a system learns from each second, with all threads that this process has."""
    started = time.perf_counter()
    nlp = initialized(setup.config(job))
    scores = {"initialize_seconds": time.perf_counter() - started}
    examples = list(make_corpus_v1(setup.division(job).corpus("train"))(nlp))
    batch = min(TRIAL_BATCH, sum(len(example.predicted) for example in examples))
    steps = 1 if setup.quick else TRIAL_STEPS
    optimizer = nlp.create_optimizer()
    for n in (WARM_STEPS, steps):
        seconds = learn(nlp, optimizer, batches(examples, words=batch, steps=n, seed=0))
    return scores | {"train_words_per_second": batch * steps / seconds}


def speeds(setup: Setup, job: Job) -> dict[str, float]:
    """Words that each system reads in a second of nlp.pipe, from Docs of tokens.

    They take turns, so that what else the machine does is in the figures of all.
    """
    finals = {name: setup.wanted.finals(name)[0] for name in setup.wanted.systems}
    for own in finals.values():
        if not own.model(setup.folder).exists():  # its result was taken over
            raise SystemExit(
                f"There is no {own.model(setup.folder)} to measure the speed of: remove "
                f"{own.run.path(setup.folder)}, so that it is trained here."
            )
    pipelines = {name: spacy.load(own.model(setup.folder)) for name, own in finals.items()}
    corpus = setup.division(job).corpus("test")
    least = 0.0 if setup.quick else LEAST_SECONDS
    rounds = [
        {name: reading_speed(nlp, corpus, least) for name, nlp in pipelines.items()}
        for _ in range(1 + ROUNDS)
    ]
    return {name: statistics.median(its[name] for its in rounds[1:]) for name in pipelines}


def reading_speed(nlp: Language, corpus: Path, least_seconds: float) -> float:
    """Words a second of one turn. Making the Docs does not count."""
    n_words, seconds = 0, 0.0
    while not n_words or seconds < least_seconds:
        docs = bare_docs(nlp, corpus)
        started = time.perf_counter()
        n_words += sum(len(doc) for doc in nlp.pipe(docs))
        seconds += time.perf_counter() - started
    return n_words / seconds
