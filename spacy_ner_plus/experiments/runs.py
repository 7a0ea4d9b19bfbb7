"""A list of training runs that is worked through once, whatever interrupts it.

The plan, with all that decides the outcome, is written first; each run has a folder, and its result
file, written when all else is done, says that it is finished.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from wasabi import msg

from ..pages.telling import say
from ..support.durable import remove, write_atomically
from ..support.locks import locked
from ..support.output_folder import check_output_folder
from ..support.package_versions import package_versions
from ..support.run_identity import as_json, differences, refuse
from ..support.typed_json import from_json, to_json
from .results import ExperimentHead, RunScores

RESULT = "scores.json"
RESULTS = "results.json"
LOCK = "lock"
VERSION = 1


@dataclass(frozen=True)
class Run:
    """One training and its evaluation. Documents are their positions in the data, from 0.

    name (str): Its folder.
    title (str): What it is called in messages.
    seed (int): What the config's `training.seed` is set to.
    train (List[int]): The documents to train with.
    dev (List[int]): Those to choose the checkpoint by.
    test (Optional[List[int]]): Those to score; null for all of a file of its own.
    """

    name: str
    title: str
    seed: int
    train: list[int]
    dev: list[int]
    test: list[int] | None


@dataclass(frozen=True)
class PlanFile(ExperimentHead):
    """A plan as its file has it.

    runs (List[Run]): In the order in which they are done. Documents are named by their positions in
        the data, from 0.
    """

    runs: list[Run]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    file_name (str): The file in the output folder that keeps the plan.
    schema (str): Name of the format of that file and of the results.
    settings (Dict[str, Any]): All that decides the outcome, by flat names.
    runs (List[Run]): The runs, in order.
    """

    file_name: str
    schema: str
    settings: dict[str, Any]
    runs: list[Run]

    def record(self) -> dict[str, Any]:
        """The plan as JSON has it, so that it can be compared with one that was read."""
        file = PlanFile(self.schema, VERSION, self.settings, package_versions(), self.runs)
        return as_json(to_json(file))


class Experiment:
    """A plan in a folder.

    output (Path): The folder.
    plan (Plan): What is to be done. It replaces one that has no finished run.
    overwrite (bool): Whether to begin anew, and to remove what another plan has left.
    RAISES ValueError: If the folder holds finished runs of another plan, what is not of a plan, or
        another process is at work on it.
    """

    def __init__(self, output: Path, plan: Plan, *, overwrite: bool = False) -> None:
        self.output, self.plan = output, plan
        self.record = plan.record()
        check_output_folder(output)
        output.mkdir(parents=True, exist_ok=True)
        with locked(output / LOCK, output):
            old = self._read_plan()
            if old is not None and (overwrite or not self._is_begun(old)):
                self._remove(old)
                old = None
            if old is None:
                self._refuse_foreign_folders()
                write_atomically(output / plan.file_name, json.dumps(self.record) + "\n")
            else:
                self._compare(old)
                self.record = old

    def finished(self, run: Run) -> RunScores | None:
        """The scores of a run, None if it has not come to its end."""
        path = self.output / run.name / RESULT
        if not path.is_file():
            return None
        return from_json(RunScores, json.loads(path.read_text(encoding="utf8")), str(path))

    def carry_out(
        self,
        work: Callable[[Run, Path], RunScores],
        clean_up: Callable[[Path], None],
        describe: Callable[[RunScores], str],
    ) -> list[RunScores]:
        """Do what is not done yet.

        work (Callable): Does a run in its folder, empty at the beginning, and gives its scores.
        clean_up (Callable): Removes from the folder of a finished run what is not to be kept.
        describe (Callable): A line about scores.
        RETURNS (List[RunScores]): The scores of all runs.
        RAISES ValueError: If another process is at work on the folder.
        """
        results = []
        with locked(self.output / LOCK, self.output):
            for number, run in enumerate(self.plan.runs, start=1):
                folder = self.output / run.name
                result = self.finished(run)
                msg.divider(f"{run.title} ({number} of {len(self.plan.runs)})")
                if result is None:
                    result = self._work(work, run, folder)
                    say.good(f"{run.title}: {describe(result)}")
                else:
                    say.info(f"Finished before: {describe(result)}")
                clean_up(folder)
                results.append(result)
        return results

    @property
    def head(self) -> dict[str, Any]:
        """What results begin with, as the plan does: the fields of ExperimentHead by name."""
        return {field.name: self.record[field.name] for field in fields(ExperimentHead)}

    def write_results(self, results: ExperimentHead) -> Path:
        """Write results.json. RETURNS (Path): The file."""
        path = self.output / RESULTS
        write_atomically(path, json.dumps(to_json(results), indent=2) + "\n")
        return path

    def _work(self, work: Callable[[Run, Path], RunScores], run: Run, folder: Path) -> RunScores:
        remove(folder)
        folder.mkdir()
        try:
            result = work(run, folder)
        except BaseException:  # Ctrl-C, too
            done = sum(self.finished(other) is not None for other in self.plan.runs)
            say.warn(
                f"{run.title} was not finished: the same command goes on with it. "
                f"Finished and kept: {done} of {len(self.plan.runs)} runs"
            )
            raise
        write_atomically(folder / RESULT, json.dumps(to_json(result), indent=2) + "\n")
        return result

    def _read_plan(self) -> dict[str, Any] | None:
        path = self.output / self.plan.file_name
        if not path.is_file():
            return None
        try:
            plan = json.loads(path.read_text(encoding="utf8"))
        except ValueError as error:  # of JSON or of UTF-8
            raise ValueError(f"{path} can't be read: {error}. Choose another --output.") from None
        if not isinstance(plan, dict) or any(
            plan.get(key) != self.record[key] for key in ("schema", "version")
        ):
            raise ValueError(
                f"{path} was not written by this command, or by another version of it. Choose "
                "another --output."
            )
        return plan

    def _is_begun(self, old: dict[str, Any]) -> bool:
        return any((self.output / run["name"] / RESULT).is_file() for run in old["runs"])

    def _compare(self, old: dict[str, Any]) -> None:
        found = differences(old["settings"], self.record["settings"])
        if not found and old["runs"] != self.record["runs"]:
            found = ["the documents of the runs: another version of spacy_ner_plus chose them"]
        refuse(
            found,
            f"{self.output} holds runs with other settings",
            "Restore these settings to go on, choose another --output, or begin anew with "
            "--overwrite.",
        )
        for name, present in self.record["versions"].items():
            if (then := old["versions"].get(name)) != present:
                say.warn(f"The runs were begun with {name} {then}; now it is {present}")

    def _refuse_foreign_folders(self) -> None:
        present = [run.name for run in self.plan.runs if (self.output / run.name).exists()]
        if present:
            raise ValueError(
                f"{self.output} holds {', '.join(present)}, but no {self.plan.file_name} that says "
                "what they are. Choose another --output, or remove them."
            )

    def _remove(self, old: dict[str, Any]) -> None:
        # the plan last: without it nobody knows what the folders are
        for run in old["runs"]:
            remove(self.output / Path(run["name"]).name)
        for name in (RESULTS, self.plan.file_name):
            (self.output / name).unlink(missing_ok=True)
