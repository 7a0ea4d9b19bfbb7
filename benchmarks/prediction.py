"""Whether ner-plus predict stays as small as it was, and ends in the same bytes after kills.

    python benchmarks/prediction.py MODEL TEXTS.spacy --documents 100000 --words 10

Makes a JSON Lines file of documents, each some words of the texts and one word of its own, so that
memory that is kept for words shows. One row in a thousand is no JSON. Then `ner-plus predict` runs
once without a break, while the resident memory of its process is read, and once killed (SIGKILL)
twice. Linux only, as memory is read from /proc.
"""

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import spacy
from spacy.tokens import DocBin

BROKEN_EVERY = 1000
SHARES = (0.1, 0.5, 1.0)
INTERVAL = 0.05  # seconds between looks at a process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="name or folder of a trained pipeline")
    parser.add_argument("data", type=Path, help=".spacy file whose words are used")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=10, help="of a document")
    parser.add_argument("--chunk-size", type=int, default=1000)
    parser.add_argument("--suffix", default=".jsonl", help="of the output")
    parser.add_argument("--kill-at", type=float, nargs="+", default=[0.3, 0.7], help="shares")
    parser.add_argument("--folder", type=Path, help="for all files; a temporary one if not given")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        report(args, Path(folder))


def report(args: argparse.Namespace, folder: Path) -> None:
    source = folder / "texts.jsonl"
    write_texts(source, args.data, args.documents, args.words)
    n_chunks = -(-args.documents // args.chunk_size)
    whole, broken = (folder / f"{name}{args.suffix}" for name in ("whole", "broken"))

    def start(output: Path) -> Running:
        command = [sys.executable, "-m", "spacy", "ner-plus", "predict", args.model, source, output]
        command += ["--chunk-size", args.chunk_size]
        return Running(list(map(str, command)), output, n_chunks)

    run = start(whole)
    run.until(1.1)
    memory = run.memory_at(SHARES)
    print(run.said, end="")
    for share, (n_done, megabytes) in memory.items():
        print(f"resident at {share:.0%} ({n_done} of {n_chunks} chunks): {megabytes:,.0f} MB")
    print(f"without a break: {run.seconds:,.0f} s, peak {max(run.megabytes):,.0f} MB", flush=True)

    for share in args.kill_at:
        run = start(broken)
        run.until(share)
        time.sleep(random.uniform(0, 1) * INTERVAL)
        run.kill()
        print(f"killed with {run.n_done} of {n_chunks} chunks done", flush=True)
    run = start(broken)
    run.until(1.1)
    print(run.said, end="")
    digests = {path.name: digest(path) for path in both(whole) + both(broken)}
    for name, value in digests.items():
        print(f"{value}  {name}")
    is_same = len(set(digests.values())) == 2
    print("The same bytes." if is_same else "NOT the same bytes.")
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        figures = {
            "documents": args.documents,
            "megabytes": {str(share): megabytes for share, (_, megabytes) in memory.items()},
            "sha256": digests,
        }
        args.output.write_text(json.dumps(figures, indent=2))
    if not is_same:
        raise SystemExit(1)


def both(output: Path) -> list[Path]:
    return [output, output.with_name(f"{output.name}.rejects.jsonl")]


def write_texts(path: Path, data: Path, n_documents: int, n_words: int) -> None:
    """Documents from the texts' words, again and again if need be, from other places each time."""
    docs = DocBin().from_disk(data).get_docs(spacy.blank("en").vocab)
    words = [token.text for doc in docs for token in doc if not token.is_space]
    with path.open("w", encoding="utf8") as file:
        for i in range(n_documents):
            at = i * (n_words - 1) % (len(words) - n_words)
            text = " ".join([*words[at : at + n_words - 1], f"no{i}"])
            row = json.dumps({"id": f"d{i}", "text": text}, ensure_ascii=False)
            file.write(f"{row[: 9 if i % BROKEN_EVERY == 17 else None]}\n")


@dataclass
class Running:
    """A run in a process of its own, which is looked at from outside.

    megabytes: Resident memory at each look. chunks: How many were done then.
    """

    command: list[str]
    output: Path
    n_chunks: int
    megabytes: list[float] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    seconds: float = 0.0
    said: str = ""

    def until(self, share: float) -> None:
        """Start it, and look at it until this share is done, or it ends."""
        started = time.perf_counter()
        self._process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        for megabytes in self._memory():
            self.chunks.append(self.n_done)
            self.megabytes.append(megabytes)
            if self.chunks[-1] >= share * self.n_chunks:
                return
            time.sleep(INTERVAL)
        self.said = self._process.communicate()[0]
        self.seconds = time.perf_counter() - started
        if self._process.returncode or share <= 1:
            raise SystemExit(f"ended with {self._process.returncode}: {self.said}")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    @property
    def n_done(self) -> int:
        folder = self.output.with_name(f"{self.output.name}.unfinished")
        chunks = folder.iterdir() if folder.exists() else ()
        return sum(path.name.isdecimal() for path in chunks)

    def _memory(self) -> Iterator[float]:
        while self._process.poll() is None:
            for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    yield int(line.split()[1]) / 1024

    def memory_at(self, shares: tuple[float, ...]) -> dict[float, tuple[int, float]]:
        """Chunks done and megabytes when each share was first reached, or last seen before it."""
        found = {}
        for share in shares:
            reached = [i for i, n in enumerate(self.chunks) if n >= share * self.n_chunks]
            i = reached[0] if reached else int(self.chunks.index(max(self.chunks)))
            found[share] = (self.chunks[i], self.megabytes[i])
        return found


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
