"""Running the trials of growth.py and gathering their figures."""

import shutil
from typing import Any

from benchmarks.speed.growth import GrowthTrial, make_tiny, make_untrained
from benchmarks.speed.inference import DEVICE
from benchmarks.speed.settings import Run
from benchmarks.speed.workers import Worker

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
COUNTS = (100, 1_000, 10_000, 100_000)
TAGS = (3, 9, 37, 101)
N_TAGS = 9
# Short trials are repeated until this many words or documents have been read.
REPEAT_WORDS, REPEAT_DOCS = 100_000, 10_000
DECODING = ("decode", "probabilities")


def grow_all(run: Run) -> dict[str, Any]:
    """Time and memory by length, number of documents and number of tags, as plain data."""
    run.progress.start("growth")
    s = run.settings
    encoder = s.encoder
    if s.growth_encoder == "tiny":
        encoder = str(s.models / "tiny-encoder")
        make_tiny(s.encoder, s.models / "tiny-encoder")
    sentences = run.test("sentences", s.amounts.words).raw
    figures: dict[str, Any] = {"encoder": s.growth_encoder}
    # a process for each, so that memory of one trial is not in the figures of the other
    for name, trial in {"length": _by_length, "documents": _by_number}.items():
        worker = _start(run, encoder, N_TAGS, sentences)
        figures[name] = trial(run, worker, sentences)
        worker.stop()
    return {**figures, "tags": _by_tags(run, sentences)}


def _start(run: Run, encoder: str, n_tags: int, sentences: list[str]) -> Worker:
    s = run.settings
    folder = s.models / f"growth-{n_tags}"
    shutil.rmtree(folder, ignore_errors=True)
    make_untrained(encoder, folder, lang=s.lang, n_tags=n_tags, texts=sentences[:500])
    worker = Worker(
        "growth",
        GrowthTrial,
        threads=s.threads,
        path=folder,
        overrides={DEVICE: s.device},
        device=s.device,
        lang=s.lang,
    )
    worker.wait()
    return worker


def _by_length(run: Run, worker: Worker, sentences: list[str]) -> list[dict[str, Any]]:
    worker.call("read", sentences)  # warm-up
    rows = []
    for length in LENGTHS:
        if length <= run.settings.amounts.longest:
            repeats = max(1, min(REPEAT_WORDS, run.settings.amounts.longest) // length)
            reply = worker.call("read_one", sentences, length, repeats)
            row = {**reply.value, "others": reply.others}
            run.progress.say(f"one document: {_rate(row)}")
            rows.append(row)
    return rows


def _by_number(run: Run, worker: Worker, sentences: list[str]) -> list[dict[str, Any]]:
    worker.call("read", sentences)  # warm-up
    rows = []
    for number in COUNTS:
        if number <= run.settings.amounts.most_docs:
            repeats = max(1, min(REPEAT_DOCS, run.settings.amounts.most_docs) // number)
            reply = worker.call("stream", sentences, number, repeats)
            row = {**reply.value, "others": reply.others}
            run.progress.say(f"{number:,} documents: {_rate(row)}, {row['peak_mib']:,.0f} MiB")
            rows.append(row)
    return rows


def _by_tags(run: Run, sentences: list[str]) -> list[dict[str, Any]]:
    """With the real encoder, as the share of decoding is what matters."""
    texts = run.test("documents", run.settings.amounts.words)
    rows = []
    for n_tags in TAGS:
        worker = _start(run, run.settings.encoder, n_tags, sentences)
        worker.call("profile", texts.raw)  # warm-up
        reply = worker.call("profile", texts.raw)
        stages = reply.value
        worker.stop()
        seconds = sum(stages.values())
        share = sum(stages[name] for name in DECODING) / seconds
        row = {"tags": n_tags, "words": texts.n_words, "seconds": seconds, "stages": stages}
        rows.append({**row, "decoding_share": share, "others": reply.others})
        run.progress.say(f"{n_tags} tags: {_rate(row)}, {share:.1%} of it decoding")
    return rows


def _rate(row: dict[str, Any]) -> str:
    per_word = 1e6 * row["seconds"] / row["words"]
    return f"{row['words']:,} words, {row['seconds']:.2f} s, {per_word:.1f} us a word"
