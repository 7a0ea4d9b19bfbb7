"""All runs of benchmarks/nested.py or germeval.py, one stage after the other."""

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from nested_plan import Job, plan_lines
from nested_runs import Setup, carry_out
from nested_tables import write_tables
from runs import run_all

ROOT = Path(__file__).parent.parent
CORES = os.cpu_count() or 1


def shared_parser(
    description: str | None, *, systems: Sequence[str], default: Sequence[str], output: str
) -> argparse.ArgumentParser:
    """A parser with the options that both benchmarks have.

    description (str): Of the benchmark.
    systems, default (Sequence[str]): Names of those that may be run, and of those that are run.
    output (str): The folder where results go.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", type=Path, default=ROOT / "assets" / "encoder")
    parser.add_argument("--systems", nargs="+", choices=systems, default=default)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=CORES, help="trainings at once")
    parser.add_argument("--output", type=Path, default=Path(output))
    parser.add_argument("--known", type=Path, help="folder with results of runs to go on from")
    parser.add_argument("--plan", action="store_true", help="trials, and what is to be run")
    parser.add_argument("--quick", action="store_true", help="two steps each, to see that it runs")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    return parser


def take_over(known: Path, output: Path) -> None:
    """Copy the results of earlier runs, as if they had been run here. Those of here stay."""
    files = [*known.glob("*.json"), *known.glob("*.spans")]
    if not files:
        raise SystemExit(f"--known {known} has no results: *.json and *.spans.")
    output.mkdir(parents=True, exist_ok=True)
    for path in files:
        if not (output / path.name).exists():
            shutil.copy(path, output)


def run_job(setup: Setup, name: str, seed: str) -> None:
    """What a process does that was started for one run."""
    job = Job.read(name, int(seed))
    job.run.save(setup.folder, carry_out(setup, job))


def run_stages(
    setup: Setup, *, name: str, jobs: int, only_plan: bool, against: Sequence[str]
) -> None:
    """Trials, the plan, trainings, speeds, and the tables.

    What is timed runs alone, with all cores; trainings have a thread each, some of them at once.

    name (str): Of the tables' files.
    jobs (int): Trainings at once.
    against (Sequence[str]): See write_tables.
    """
    wanted = setup.wanted
    run_all([job.run for job in wanted.trials()], setup.folder, jobs=1, threads=CORES)
    print("\n".join(plan_lines(wanted)), flush=True)
    if only_plan:
        return
    while trainings := wanted.next_trainings():
        run_all([job.run for job in trainings], setup.folder, jobs)
    run_all([wanted.speeds().run], setup.folder, jobs=1, threads=CORES)
    write_tables(wanted, name, against)
