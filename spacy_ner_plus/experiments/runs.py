"""A list of training runs that is worked through once, whatever interrupts it.

The plan, with all that decides the outcome, is written first; each run has a folder, and its result
file, written when all else is done, says that it is finished.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wasabi import msg

from ..resuming import describe, differences, package_versions, write_atomically

RESULT = "scores.json"
RESULTS = "results.json"


@dataclass(frozen=True)
class Run:
    """One training and its evaluation.

    name (str): Its folder.
    title (str): What it is called in messages.
    seed (int): What the config's training.seed is set to.
    train, dev, test (List[int]): The documents by their position in the data, from 0: to train
        with, to choose the checkpoint by, and to score. None: test data of its own.
    """

    name: str
    title: str
    seed: int
    train: list[int]
    dev: list[int]
    test: list[int] | None


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
        record: dict[str, Any] = {
            "schema": self.schema,
            "version": 1,
            "settings": self.settings,
            "versions": package_versions(),
            "runs": [asdict(run) for run in self.runs],
        }
        as_json: dict[str, Any] = json.loads(json.dumps(record, default=str))
        return as_json


class Experiment:
    """A plan in a folder.

    output (Path): The folder.
    plan (Plan): What is to be done.
    overwrite (bool): Whether to begin anew, and to remove what another plan has left.
    RAISES ValueError: If the folder holds runs of another plan.
    """

    def __init__(self, output: Path, plan: Plan, *, overwrite: bool = False) -> None:
        self.output, self.plan = output, plan
        plan_path = output / plan.file_name
        self.record = plan.record()
        old = json.loads(plan_path.read_text(encoding="utf8")) if plan_path.is_file() else None
        if old is not None and overwrite:
            self._remove(old)
            old = None
        if old is None:
            self._refuse_foreign_folders()
            output.mkdir(parents=True, exist_ok=True)
            write_atomically(plan_path, json.dumps(self.record) + "\n")
        else:
            self._compare(old)
            self.record = old

    def finished(self, run: Run) -> dict[str, Any] | None:
        """The result of a run, None if it has not come to its end."""
        path = self.output / run.name / RESULT
        if not path.is_file():
            return None
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        return result

    def carry_out(
        self,
        work: Callable[[Run, Path], dict[str, Any]],
        clean_up: Callable[[Path], None],
        describe: Callable[[dict[str, Any]], str],
    ) -> list[dict[str, Any]]:
        """Do what is not done yet.

        work (Callable): Does a run in its folder, empty at the beginning, and gives its result.
        clean_up (Callable): Removes from the folder of a finished run what is not to be kept.
        describe (Callable): A line about a result.
        RETURNS (List[Dict[str, Any]]): The results of all runs.
        """
        results = []
        for number, run in enumerate(self.plan.runs, start=1):
            folder = self.output / run.name
            result = self.finished(run)
            msg.divider(f"{run.title} ({number} of {len(self.plan.runs)})")
            if result is None:
                if folder.exists():
                    shutil.rmtree(folder)
                folder.mkdir()
                result = work(run, folder)
                write_atomically(folder / RESULT, json.dumps(result, indent=2) + "\n")
                msg.good(f"{run.title}: {describe(result)}")
            else:
                msg.info(f"Finished before: {describe(result)}")
            clean_up(folder)
            results.append(result)
        return results

    def write_results(self, **content: Any) -> Path:
        """Write results.json. RETURNS (Path): The file."""
        head = {key: self.record[key] for key in ("schema", "version", "settings", "versions")}
        path = self.output / RESULTS
        write_atomically(path, json.dumps({**head, **content}, indent=2) + "\n")
        return path

    def _compare(self, old: dict[str, Any]) -> None:
        found = differences(old["settings"], self.record["settings"])
        if not found and old["runs"] != self.record["runs"]:
            found = ["the documents of the runs: another version of spacy_ner_plus chose them"]
        if found:
            raise ValueError(
                f"{self.output} holds runs with other settings:\n{describe(found)}\nRestore these "
                "settings to go on, choose another --output, or begin anew with --overwrite."
            )
        for name, present in self.record["versions"].items():
            if (then := old["versions"].get(name)) != present:
                msg.warn(f"The runs were begun with {name} {then}; now it is {present}")

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
            folder = self.output / Path(run["name"]).name
            if folder.exists():
                shutil.rmtree(folder)
        for name in (RESULTS, self.plan.file_name):
            (self.output / name).unlink(missing_ok=True)
