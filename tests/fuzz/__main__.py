"""The long run: `python -m tests.fuzz --minutes 60 [--text FOLDER] [--seed N]`.

A worker process goes on drawing documents with new seeds. This one watches it: a worker that
hangs, crashes or is killed for its memory is a finding like any other. Ends with status 1 if
there is one, and prints for each how to see it again.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HANG_SECONDS = 300
START_SECONDS = 120  # imports and first pipelines


def main() -> int:
    arguments = _parse()
    if arguments.worker is not None:
        from tests.fuzz.worker import work

        work(arguments.worker, arguments.seed, arguments.text, rounds=arguments.rounds)
        return 0
    seed = random.SystemRandom().randrange(1 << 30) if arguments.seed is None else arguments.seed
    print(f"Fuzzing for {arguments.minutes:g} minutes from seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        watch = _Watch(Path(folder), arguments.text, seed, 60 * arguments.minutes)
        watch.run(arguments.rounds)
        return watch.report()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--text", help="folder of more text to mutate")
    parser.add_argument("--seed", type=int, help="seed of the first round; random if not given")
    parser.add_argument("--rounds", type=int, help="end after so many rounds")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


class _Watch:
    """Starts workers and reads what they write to a folder: progress, findings, and the example
    that they are at.
    """

    def __init__(self, folder: Path, text: str | None, seed: int, seconds: float) -> None:
        self.folder = folder
        self.text = text
        self.seed = seed
        self.started = time.monotonic()
        self.seconds = seconds
        self.findings: dict[str, str] = {}
        self.examples_before = 0  # of workers that ended
        self.examples = 0

    def run(self, rounds: int | None) -> None:
        next_line = 60.0
        while self._elapsed() < self.seconds:
            worker = self._start(rounds)
            try:
                while worker.poll() is None and self._elapsed() < self.seconds:
                    time.sleep(1.0)
                    self._read()
                    if self._silence() > HANG_SECONDS:
                        self._add("hang", f"No end in {HANG_SECONDS} seconds of {self._current()}")
                        break
                    if self._elapsed() >= next_line:
                        print(self._line(), flush=True)
                        next_line += 60.0
                ended_by_itself = worker.poll()
            finally:
                worker.kill()
                worker.wait()
            self._read()
            if ended_by_itself == 0:
                return
            if ended_by_itself is not None and ended_by_itself > 0:
                self._add("worker", f"It ended with status {ended_by_itself}: {self._current()}")
                return
            if ended_by_itself is not None:
                self._add("crash", f"Signal {-ended_by_itself} in {self._current()}")
            self.examples_before, self.examples = self.examples_before + self.examples, 0
            self.seed += 100_000  # not into the same again

    def report(self) -> int:
        print(self._line())
        for name, text in self.findings.items():
            print(f"\n=== {name}\n{text}")
        if not self.findings:
            print("No findings.")
        return 1 if self.findings else 0

    def _start(self, rounds: int | None) -> subprocess.Popen[bytes]:
        for path in self.folder.iterdir():
            path.unlink()
        command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "--worker", self.folder]
        command += ["--seed", str(self.seed)]
        command += ["--text", self.text] if self.text else []
        command += ["--rounds", str(rounds)] if rounds else []
        self.worker_started = time.time()
        return subprocess.Popen(command)

    def _read(self) -> None:
        for path in sorted(self.folder.glob("finding-*.txt")):
            text = path.read_text(encoding="utf8", errors="backslashreplace")
            self._add(path.stem.removeprefix("finding-"), text)
        progress = self.folder / "progress.json"
        if progress.exists():
            self.examples = json.loads(progress.read_text())["examples"]

    def _add(self, name: str, text: str) -> None:
        if name in ("hang", "crash", "worker"):
            name = f"{name} {len(self.findings) + 1}"
        if name not in self.findings:
            self.findings[name] = text
            print(f"FINDING {name}\n{text}", flush=True)

    def _silence(self) -> float:
        """Seconds since the worker began the example that it is at."""
        current = self.folder / "current.txt"
        if not current.exists():
            return time.time() - self.worker_started - START_SECONDS
        return time.time() - current.stat().st_mtime

    def _current(self) -> str:
        current = self.folder / "current.txt"
        if not current.exists():
            return "the start of the worker"
        return current.read_text(encoding="utf8", errors="backslashreplace")

    def _elapsed(self) -> float:
        return time.monotonic() - self.started

    def _line(self) -> str:
        n_examples = self.examples_before + self.examples
        return (
            f"{self._elapsed() / 60:5.1f} min  {n_examples:,} examples  "
            f"{len(self.findings)} findings"
        )


if __name__ == "__main__":
    sys.exit(main())
