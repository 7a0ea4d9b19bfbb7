"""Whether worker processes share the memory that a table takes."""

import multiprocessing
from pathlib import Path
from typing import Any

import spacy

from benchmarks.gazetteer.lists import COMPONENT, Words, docs_of

SMAPS = Path("/proc/self/smaps")


def show_workers(model: Path, method: str, words: Words) -> None:
    """Start two workers and look which part of the table's file each has for itself."""
    multiprocessing.set_start_method(method, force=True)
    nlp = spacy.load(model)
    component: Any = nlp.get_pipe(COMPONENT)
    expected = [len(doc.ents) for doc in component.pipe(docs_of(nlp, words))]
    stream = nlp.pipe((" ".join(some) for some in words), n_process=2, batch_size=64)
    found, shares = [], []
    for i, doc in enumerate(stream):
        found.append(len(doc.ents))
        if i == len(words) // 2 and SMAPS.exists():
            workers = sorted(child.pid or 0 for child in multiprocessing.active_children())
            shares = [mapped(pid, table_file(model)) for pid in workers]
    if sum(found) < 0.9 * sum(expected):  # texts of words in a row may have other tokens
        raise SystemExit(f"{method}: the workers find {sum(found)}, not {sum(expected)} entities")
    for number, (rss, pss) in enumerate(shares, start=1):
        print(f"{f'{method}, worker {number}: MB mapped, its share':40}{rss:12.1f}{pss:12.1f}")


def mapped(pid: int, file: Path) -> tuple[float, float]:
    """MB of a file that a process has in memory, and of these, its share (Rss and Pss)."""
    sums = {"Rss:": 0.0, "Pss:": 0.0}
    is_file = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        first, *rest = line.split()
        if "-" in first and not first.endswith(":"):
            is_file = bool(rest) and line.endswith(str(file.resolve()))
        elif is_file and first in sums:
            sums[first] += int(rest[0]) * 1024 / 1e6
    return sums["Rss:"], sums["Pss:"]


def table_file(model: Path) -> Path:
    """The one large file of the component."""
    return max((model / COMPONENT).rglob("*"), key=lambda path: path.stat().st_size)
