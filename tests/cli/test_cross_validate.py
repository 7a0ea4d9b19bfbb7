"""What `ner-plus cross-validate` does and says. tests/experiments has its parts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.experiments import carrying_out, trial
from spacy_ner_plus.experiments.results import RunScores
from spacy_ner_plus.experiments.runs import Run
from tests.experiments.samples import config_text, make_scores, write_corpus
from tests.pipeline.nested_toy import KEY, write_nested
from tests.training.runs import finish, start
from tests.training.test_resuming import KILLED, die_at_call

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, data, and in `out` a cross-validation of them."""
    folder = tmp_path_factory.mktemp("cross_validation")
    write_corpus(folder / "all.spacy", 0, 48)
    (folder / "config.cfg").write_text(config_text(log_file=folder / "log.jsonl"))
    result = invoke(*arguments(folder, folder / "out"))
    assert result.exit_code == 0, result.output
    (folder / "log.txt").write_text(result.output)
    return folder


def arguments(project: Path, output: Path) -> list[object]:
    return [project / "config.cfg", project / "all.spacy", "--folds", 3, "--output", output]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["cross-validate", *map(str, arguments)])


def run(*arguments: object, log: Path, before: Callable[[], None] = lambda: None) -> int:
    """The command in a process of its own. before: What to do in it first."""

    def target() -> None:
        before()
        app(["cross-validate", *map(str, arguments)], prog_name="ner-plus")

    return finish(start(target, log))


def test_cross_validate_writes_results_and_prints_them(project: Path) -> None:
    results = json.loads((project / "out" / "results.json").read_text())
    assert results["schema"] == "spacy_ner_plus.cross-validation"
    assert [fold["name"] for fold in results["folds"]] == ["fold-1", "fold-2", "fold-3"]
    assert sum(fold["n_docs"]["test"] for fold in results["folds"]) == 48
    micro = [fold["scores"]["micro"]["f1"] for fold in results["folds"]]
    assert results["summary"]["micro"]["f1"]["mean"] == pytest.approx(sum(micro) / 3)
    for fold in results["folds"]:
        supports = [scores["support"] for scores in fold["scores"]["per_type"].values()]
        assert sum(supports) == fold["scores"]["micro"]["support"] == fold["n_entities"]["test"]
    output = (project / "log.txt").read_text()
    f1 = results["summary"]["micro"]["f1"]
    assert f"{100 * f1['mean']:.2f} ± {100 * f1['sd']:.2f}" in output
    assert "Fold 2 (2 of 3)" in output
    assert "LOSS NER_PLUS" in output  # the config's logger


def test_cross_validate_keeps_folds_and_logs_but_no_models(project: Path) -> None:
    plan = json.loads((project / "out" / "folds.json").read_text())
    assert sorted(doc for run in plan["runs"] for doc in run["test"]) == list(range(48))
    for run_ in plan["runs"]:
        names = sorted(path.name for path in (project / "out" / run_["name"]).iterdir())
        assert names == ["log.jsonl", "scores.json"]
    assert not (project / "log.jsonl").exists()


def test_cross_validate_killed_twice_ends_as_without(project: Path, tmp_path: Path) -> None:
    log, output = tmp_path / "log.txt", tmp_path / "out"
    die = die_at_call(trial, "train_nlp", 2)  # at the beginning of the second fold
    assert run(*arguments(project, output), log=log, before=die) == KILLED, log.read_text()
    assert (output / "fold-1" / "scores.json").exists()
    assert (output / "fold-2" / "train.spacy").exists()
    before = (output / "fold-1" / "scores.json").stat().st_mtime_ns
    die = die_at_call(trial, "score_model", 1)  # at the end of the second fold
    assert run(*arguments(project, output), log=log, before=die) == KILLED, log.read_text()
    assert (output / "fold-2" / "model-best").exists()
    assert not (output / "fold-2" / "scores.json").exists()
    assert run(*arguments(project, output), log=log) == 0, log.read_text()
    assert (output / "fold-1" / "scores.json").stat().st_mtime_ns == before
    assert "Finished before: " in log.read_text()
    for name in ("results.json", "folds.json"):
        assert (output / name).read_bytes() == (project / "out" / name).read_bytes()


def test_cross_validate_names_what_differs(project: Path, tmp_path: Path) -> None:
    before = (project / "out" / "results.json").read_bytes()
    changes = ["--training.dropout", 0.5, "--seed", 4]
    result = invoke(*arguments(project, project / "out"), *changes)
    assert result.exit_code == 1
    assert "training.dropout: 0.1 then, 0.5 now" in result.output
    assert "seed: 0 then, 4 now" in result.output
    assert "--overwrite" in result.output
    write_corpus(tmp_path / "other.spacy", 0, 47)
    other = [project / "config.cfg", tmp_path / "other.spacy", "--folds", 3]
    result = invoke(*other, "--output", project / "out")
    assert result.exit_code == 1
    assert "data_sha256: " in result.output
    assert (project / "out" / "results.json").read_bytes() == before


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs leave an empty model and have the same scores; the list says which were done."""
    done: list[str] = []

    def carry_out(run: Run, folder: Path, **settings: object) -> RunScores:
        (folder / "model-best").mkdir()
        done.append(run.name)
        return make_scores(0.5, Chemical=0.5)

    monkeypatch.setattr(carrying_out, "carry_out", carry_out)
    return done


def test_cross_validate_overwrites_with_other_settings(
    project: Path, tmp_path: Path, trained: list[str]
) -> None:
    few = [project / "config.cfg", project / "all.spacy", "--output", tmp_path / "out"]
    assert invoke(*few, "--folds", 3).exit_code == 0
    assert invoke(*few, "--folds", 2, "--overwrite").exit_code == 0
    assert trained == ["fold-1", "fold-2", "fold-3", "fold-1", "fold-2"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["fold-1", "fold-2", "folds.json", "lock", "results.json"]
    assert invoke(*few, "--folds", 2).exit_code == 0
    assert len(trained) == 5


def test_cross_validate_keeps_models_if_told(
    project: Path, tmp_path: Path, trained: list[str]
) -> None:
    kept, removed = tmp_path / "kept", tmp_path / "removed"
    result = invoke(*arguments(project, kept), "--keep-models")
    assert result.exit_code == 0, result.output
    assert (kept / "fold-2" / "model-best").is_dir()
    result = invoke(*arguments(project, removed))
    assert "--keep-models keeps them" in result.output
    assert not (removed / "fold-2" / "model-best").exists()


def test_cross_validate_warns_of_labels_in_too_few_documents(
    project: Path, tmp_path: Path, trained: list[str]
) -> None:
    docs = list(DocBin().from_disk(project / "all.spacy").get_docs(Vocab()))
    docs += [Doc(docs[0].vocab, words=["Basel"], ents=["B-Place"])] * 2
    DocBin(docs=docs).to_disk(tmp_path / "rare.spacy")
    few = ["--output", tmp_path / "out", "--folds", 3]
    result = invoke(project / "config.cfg", tmp_path / "rare.spacy", *few)
    assert result.exit_code == 0, result.output
    assert "Place occurs in 2 documents only, too few for 3 folds" in result.output
    assert "Chemical occurs" not in result.output


def test_cross_validate_shows_errors_as_messages(project: Path, tmp_path: Path) -> None:
    config, data, output = project / "config.cfg", project / "all.spacy", tmp_path / "out"
    result = invoke(config, tmp_path / "nowhere.spacy", "--output", output)
    assert result.exit_code == 1
    assert "Error: There is no corpus at" in result.output
    result = invoke(config, data, "--output", output, "--folds", 100)
    assert result.exit_code == 1
    assert "100 folds need as many documents at least, but there are only 48" in result.output
    result = invoke(data, config, "--output", output)
    assert result.exit_code == 1
    assert "all.spacy is no config: 'utf-8' codec can't decode" in result.output
    result = invoke(config, data, "--output", output, "--no-such-option", 1)
    assert result.exit_code != 0
    assert not output.exists()


def test_cross_validate_without_a_gpu_begins_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinc.util.has_gpu", False)
    result = invoke(*arguments(project, tmp_path / "new"), "--gpu-id", 0)
    assert result.exit_code == 1
    assert re.search(r"Error: --gpu-id 0: (Cannot use GPU|No GPU).*leave it out", result.stderr)
    assert not (tmp_path / "new").exists()


def test_cross_validate_reads_where_entities_are(project: Path, tmp_path: Path) -> None:
    """A flat pipeline, scored on entities inside of others too."""
    write_nested(tmp_path / "nested.spacy", 12, n_bare=0)
    config = project / "config.cfg"
    few = [config, tmp_path / "nested.spacy", "--folds", 2, "--training.max_steps", 2]
    told = ["--spans-key", KEY, "--predicted-key", "doc.ents"]
    result = invoke(*few, *told, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["settings"]["gold"] == "doc.spans['nested']"
    assert results["settings"]["predicted"] == "doc.ents"
    for fold in results["folds"]:
        n_docs = fold["n_docs"]["test"]
        assert fold["n_entities"]["test"] == fold["scores"]["micro"]["support"] == 5 * n_docs
        assert fold["scores"]["inner"]["support"] == 3 * n_docs
    assert "inside others" in result.output
    result = invoke(*few, "--spans-key", KEY, "--output", tmp_path / "other")
    assert result.exit_code == 1
    assert "No component of this pipeline scores entities in doc.spans['nested']" in result.output
