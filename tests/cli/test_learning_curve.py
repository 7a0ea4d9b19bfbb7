"""What `ner-plus learning-curve` does and says. tests/experiments has its parts."""

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.cli.learning_curve import parse_shares
from spacy_ner_plus.experiments import carrying_out, trial
from spacy_ner_plus.experiments.results import RunScores
from spacy_ner_plus.experiments.runs import Run
from tests.experiments.samples import config_text, make_scores, write_corpus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learning_curve")
    write_corpus(folder / "train.spacy", 0, 60)
    write_corpus(folder / "dev.spacy", 60, 80)
    (folder / "config.cfg").write_text(config_text("ner", log_file=folder / "log.jsonl"))
    return folder


def arguments(project: Path, output: Path) -> list[object]:
    paths = [project / name for name in ("config.cfg", "train.spacy", "dev.spacy")]
    return [*paths, "--output", output, "--shares", "1,0.5", "--repeats", 2]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["learning-curve", *map(str, arguments)])


def test_learning_curve_writes_points_and_plot_and_goes_on(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    result = invoke(*arguments(project, output))
    assert result.exit_code == 0, result.output
    results = json.loads((output / "results.json").read_text())
    assert results["schema"] == "spacy_ner_plus.learning-curve"
    assert [point["share"] for point in results["points"]] == [0.5, 1.0]
    assert [point["n_docs"] for point in results["points"]] == [30, 60]
    for point in results["points"]:
        assert point["summary"]["micro"]["f1"]["n"] == 2
        # all of the scored documents, whatever the share
        supports = {run["scores"]["micro"]["support"] for run in point["runs"]}
        assert supports == {results["points"][0]["runs"][0]["scores"]["micro"]["support"]}
    assert (output / "curve.svg").is_file()
    last = " ".join(result.output.split())
    assert "The last doubling of the data, from 30 to 60 documents" in last
    assert last.endswith("over 2 repeats).")

    complete = (output / "results.json").read_bytes()
    (output / "results.json").unlink()
    (output / "share-1-repeat-2" / "scores.json").unlink()
    trained: list[int] = []
    original = trial.train_nlp
    monkeypatch.setattr(trial, "train_nlp", lambda *a, **k: (trained.append(1), original(*a, **k)))
    assert invoke(*arguments(project, output)).exit_code == 0
    assert len(trained) == 1
    assert (output / "results.json").read_bytes() == complete


def test_learning_curve_asks_for_plots_before_it_trains(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = invoke(*arguments(project, tmp_path / "out"))
    assert result.exit_code == 1
    assert 'pip install "spacy_ner_plus[evaluate]"' in result.output
    assert not (tmp_path / "out").exists()


def test_learning_curve_notices_other_data_to_score(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def carry_out(run: Run, folder: Path, **settings: object) -> RunScores:
        if run.name != "share-0.5-repeat-1":
            raise OSError("No space left on device")
        return make_scores(0.5)

    monkeypatch.setattr(carrying_out, "carry_out", carry_out)
    first = invoke(*arguments(project, tmp_path))
    assert first.exit_code == 1
    assert "Error: No space left on device" in first.output
    write_corpus(tmp_path / "other.spacy", 60, 79)
    config, train, _, *options = arguments(project, tmp_path)
    result = invoke(config, train, tmp_path / "other.spacy", *options)
    assert result.exit_code == 1
    assert "  dev_sha256: " in result.output
    assert "  train_sha256: " not in result.output


def test_learning_curve_refuses_to_score_what_it_trains_with(project: Path, tmp_path: Path) -> None:
    config, train, _, *options = arguments(project, tmp_path / "out")
    result = invoke(config, train, train, *options)
    assert result.exit_code == 1
    assert "are the same: score documents not trained with" in result.output
    assert not (tmp_path / "out").exists()


def test_parse_shares_reads_numbers() -> None:
    assert parse_shares("0.125, 0.25,1") == [0.125, 0.25, 1.0]
    with pytest.raises(ValueError, match="parted by commas"):
        parse_shares("0.1 and more")


def test_learning_curve_without_a_gpu_begins_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinc.util.has_gpu", False)
    result = invoke(*arguments(project, tmp_path / "new"), "--gpu-id", 0)
    assert result.exit_code == 1
    assert re.search(r"Error: --gpu-id 0: (Cannot use GPU|No GPU).*leave it out", result.stderr)
    assert not (tmp_path / "new").exists()
