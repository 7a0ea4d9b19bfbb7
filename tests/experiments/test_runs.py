import json
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus.experiments.results import CrossValidationResults, Fold, PartSizes, RunScores
from spacy_ner_plus.experiments.runs import Experiment, Plan, Run
from spacy_ner_plus.experiments.summary import summarise
from tests.experiments.samples import make_scores


def make_plan(n: int = 3, **settings: Any) -> Plan:
    runs = [Run(f"run-{i}", f"Run {i}", i, [i], [i + 1], None) for i in range(n)]
    return Plan("plan.json", "a-schema", {"seed": 0, **settings}, runs)


class Work:
    """Notes what it does; fails at one run if told to, with half of its work done."""

    def __init__(self, fail_at: str | None = None) -> None:
        self.fail_at = fail_at
        self.done: list[str] = []
        self.cleaned: list[str] = []

    def __call__(self, run: Run, folder: Path) -> RunScores:
        assert list(folder.iterdir()) == []
        (folder / "model").write_text("large")
        if run.name == self.fail_at:
            raise RuntimeError("killed")
        self.done.append(run.name)
        return make_scores(run.seed / 10, A=0.25)

    def clean_up(self, folder: Path) -> None:
        (folder / "model").unlink(missing_ok=True)
        self.cleaned.append(folder.name)


def carry_out(folder: Path, plan: Plan, work: Work, **settings: Any) -> list[RunScores]:
    return Experiment(folder, plan, **settings).carry_out(work, work.clean_up, str)


def test_experiment_does_runs_in_order_and_not_again(tmp_path: Path) -> None:
    first, second = Work(), Work()
    results = carry_out(tmp_path / "out", make_plan(), first)
    assert [scores.micro.f1 for scores in results] == [0.0, 0.1, 0.2]
    assert first.done == first.cleaned == ["run-0", "run-1", "run-2"]
    assert carry_out(tmp_path / "out", make_plan(), second) == results
    assert second.done == []


def test_experiment_goes_on_after_an_interruption(tmp_path: Path) -> None:
    first, second = Work(fail_at="run-1"), Work()
    with pytest.raises(RuntimeError, match="killed"):
        carry_out(tmp_path, make_plan(), first)
    assert (tmp_path / "run-1" / "model").exists()
    assert len(carry_out(tmp_path, make_plan(), second)) == 3
    assert (first.done, second.done) == (["run-0"], ["run-1", "run-2"])


def test_experiment_cleans_up_what_an_interruption_left(tmp_path: Path) -> None:
    carry_out(tmp_path, make_plan(), Work())
    (tmp_path / "run-0" / "model").write_text("killed between result and cleaning")
    carry_out(tmp_path, make_plan(), Work())
    assert [path.name for path in (tmp_path / "run-0").iterdir()] == ["scores.json"]


def test_experiment_names_settings_that_differ(tmp_path: Path) -> None:
    carry_out(tmp_path, make_plan(rate=0.1), Work())
    with pytest.raises(ValueError, match="--overwrite") as error:
        Experiment(tmp_path, make_plan(seed=1, folds=5))
    assert "seed: 0 then, 1 now" in str(error.value)
    assert "folds: not set then, 5 now" in str(error.value)
    assert "rate: 0.1 then, not set now" in str(error.value)


def test_experiment_takes_other_settings_while_nothing_is_finished(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        carry_out(tmp_path, make_plan(rate="a lot"), Work(fail_at="run-0"))
    carry_out(tmp_path, make_plan(rate=0.1), Work())
    assert json.loads((tmp_path / "plan.json").read_text())["settings"]["rate"] == 0.1


def test_experiment_says_what_is_kept_when_a_run_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        carry_out(tmp_path, make_plan(), Work(fail_at="run-2"))
    said = " ".join(capsys.readouterr().out.split())
    assert "Run 2 was not finished: the same command goes on with it" in said
    assert "Finished and kept: 2 of 3 runs" in said


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock")
def test_experiment_keeps_others_from_its_folder(tmp_path: Path) -> None:
    def work(run: Run, folder: Path) -> RunScores:
        with pytest.raises(ValueError, match="Another process is at work"):
            Experiment(tmp_path, make_plan(), overwrite=True)
        return make_scores(0.5)

    experiment = Experiment(tmp_path, make_plan(1))
    assert experiment.carry_out(work, lambda folder: None, str) == [make_scores(0.5)]


@pytest.mark.parametrize("content", ["{broken", '{"a": 1}', "[]"])
def test_experiment_leaves_the_files_of_others_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"plan\.json .* Choose another --output"):
            Experiment(tmp_path, make_plan(), overwrite=overwrite)
    assert (tmp_path / "plan.json").read_text() == content
    with pytest.raises(ValueError, match="is a file: --output takes a folder"):
        Experiment(tmp_path / "plan.json", make_plan())


def test_experiment_notices_other_documents_under_the_same_settings(tmp_path: Path) -> None:
    carry_out(tmp_path, make_plan(3), Work())
    with pytest.raises(ValueError, match="another version of spacy_ner_plus chose them"):
        Experiment(tmp_path, make_plan(2))


def test_experiment_overwrites_its_own_files_only(tmp_path: Path) -> None:
    carry_out(tmp_path, make_plan(3), Work())
    (tmp_path / "notes.txt").write_text("mine")
    work = Work()
    carry_out(tmp_path, make_plan(2, seed=1), work, overwrite=True)
    assert work.done == ["run-0", "run-1"]
    names = ["lock", "notes.txt", "plan.json", "run-0", "run-1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_experiment_refuses_folders_that_no_plan_names(tmp_path: Path) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "scores.json").write_text("{}")
    with pytest.raises(ValueError, match=r"holds run-1, but no plan\.json"):
        Experiment(tmp_path, make_plan())
    with pytest.raises(ValueError, match=r"holds run-1, but no plan\.json"):
        Experiment(tmp_path, make_plan(), overwrite=True)


def test_experiment_warns_of_other_versions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(tmp_path, make_plan(), Work())
    record = json.loads((tmp_path / "plan.json").read_text())
    record["versions"]["spacy"] = "3.0.0"
    (tmp_path / "plan.json").write_text(json.dumps(record))
    Experiment(tmp_path, make_plan())
    assert "begun with spacy 3.0.0" in capsys.readouterr().out


def test_write_results_names_format_settings_and_versions(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, make_plan())
    fold = Fold("fold-1", PartSizes(2, 1, 1), PartSizes(5, 3, 0), make_scores(0.5))
    summary = summarise([fold.scores])
    path = experiment.write_results(
        CrossValidationResults(**experiment.head, folds=[fold], summary=summary)
    )
    results = json.loads(path.read_text())
    assert list(results) == ["schema", "version", "settings", "versions", "folds", "summary"]
    assert (results["schema"], results["version"]) == ("a-schema", 1)
    assert results["settings"] == {"seed": 0}
    measures = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 30}
    assert results["folds"][0]["scores"] == {
        "micro": measures,
        "macro": measures,
        "per_type": {},
        "outer": None,  # nothing nests
        "inner": None,
    }
    assert results["folds"][0]["n_entities"] == {"train": 5, "dev": 3, "test": 0}
    assert results["summary"]["macro"]["f1"] == {"mean": 0.5, "sd": None, "n": 1}


def test_experiment_names_scores_that_are_none(tmp_path: Path) -> None:
    carry_out(tmp_path, make_plan(), Work())
    (tmp_path / "run-1" / "scores.json").write_text('{"micro": {}}')
    with pytest.raises(ValueError, match=r"scores\.json has no 'macro', 'per_type'"):
        carry_out(tmp_path, make_plan(), Work())
