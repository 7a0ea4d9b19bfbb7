"""All runs of benchmarks/nested.py or germeval.py, one stage after the other."""

import os
from collections.abc import Sequence

from nested_plan import Job, plan_lines
from nested_runs import Setup, carry_out
from nested_tables import write_tables
from runs import run_all

CORES = os.cpu_count() or 1


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
