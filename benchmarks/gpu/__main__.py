"""The steps of benchmarks/gpu.sh, each a process of its own with a limit of time.

Nothing but the standard library is imported here: whatever is missing costs single steps.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from benchmarks.gpu.steps import Paths, Step, make_steps

# How long a step that was told to stop may take for it.
GRACE = 3.0
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")
EVERY_MS = 200


@dataclass
class Outcome:
    """How a step went.

    status (str): "ok", "failed", "too long" or "no time left".
    exit_code (int): None if it did not end by itself.
    gpu_use, gpu_mib (float): The mean percentage of the time that the GPU was busy, and the most
        memory of it that was in use, by whomever; None without a GPU.
    """

    name: str
    status: str
    seconds: float = 0.0
    exit_code: int | None = None
    gpu_use: float | None = None
    gpu_mib: float | None = None


class GpuWatch:
    """Samples of nvidia-smi in the background. Without it there are none."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self._process: subprocess.Popen[str] | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(
                [*QUERY, "-lms", str(EVERY_MS)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(ValueError):
                use, mib = map(float, line.split(","))
                self.samples.append((use, mib))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def main() -> int:
    args = parse_args()
    started = time.monotonic()
    paths = Paths(args.encoder, args.data, args.work, args.output)
    steps = make_steps(paths, device=args.device, tiny=args.tiny)
    if args.steps:
        steps = [step for step in steps if step.name in args.steps.split(",")]
    paths.results.mkdir(parents=True, exist_ok=True)
    watch = GpuWatch() if args.device != "cpu" else None
    outcomes: list[Outcome] = []
    with (args.output / "log.txt").open("a", encoding="utf8") as log:
        for step in steps:
            left = args.seconds - (time.monotonic() - started)
            outcomes.append(run_step(step, left, log, watch))
            print(line_of(outcomes[-1]), flush=True)
            write(paths, outcomes)  # after each: a run that is cut off leaves what there is
    if watch is not None:
        watch.stop()
    print(f"in all {time.monotonic() - started:.0f} s: {args.output}")
    return int(any(outcome.status != "ok" for outcome in outcomes))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    for name in ("encoder", "data", "work", "output"):
        parser.add_argument(f"--{name}", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=350.0)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--steps", help="names, parted by commas")
    return parser.parse_args()


def run_step(step: Step, left: float, log: TextIO, watch: GpuWatch | None) -> Outcome:
    """Run a step in its own group of processes, all of which end with it."""
    limit = min(step.limit, left)
    if limit <= 0:
        return Outcome(step.name, "no time left")
    log.write(f"\n=== {step.name}: {' '.join(step.command)}\n")
    log.flush()
    n_before = len(watch.samples) if watch else 0
    started = time.monotonic()
    process = subprocess.Popen(
        step.command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **step.environment},
        start_new_session=True,
    )
    outcome = Outcome(step.name, "ok")
    try:
        outcome.exit_code = process.wait(limit)
        outcome.status = "failed" if outcome.exit_code else "ok"
    except subprocess.TimeoutExpired:
        outcome.status = "too long"
    end_group(process)
    outcome.seconds = round(time.monotonic() - started, 1)
    samples = watch.samples[n_before:] if watch else []
    if samples:
        outcome.gpu_use = round(sum(use for use, _ in samples) / len(samples), 1)
        outcome.gpu_mib = max(mib for _, mib in samples)
    return outcome


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a step with all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def line_of(outcome: Outcome) -> str:
    line = f"{outcome.name:14}{outcome.status:14}{outcome.seconds:7.1f} s"
    if outcome.exit_code:
        line += f"   exit {outcome.exit_code}"
    if outcome.gpu_use is not None:
        line += f"   GPU {outcome.gpu_use:.0f} % busy, {outcome.gpu_mib:,.0f} MiB"
    return line


def write(paths: Paths, outcomes: list[Outcome]) -> None:
    """results.json, with what each step has written; tables.txt; and how the steps went."""
    found = {path.stem: read_json(path) for path in sorted(paths.results.glob("*.json"))}
    results = {"steps": [asdict(outcome) for outcome in outcomes], **found}
    (paths.output / "results.json").write_text(json.dumps(results, indent=1))
    tables = [path.read_text() for path in sorted(paths.results.glob("*.txt"))]
    (paths.output / "tables.txt").write_text("\n\n".join(tables))
    lines = "\n".join(map(line_of, outcomes))
    (paths.output / "summary.txt").write_text(f"{lines}\n")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        return f"no JSON: {error}"  # of a step that was ended while it wrote


if __name__ == "__main__":
    sys.exit(main())
