"""A new user's project from end to end, with a tiny encoder on made-up texts."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus import evaluate
from spacy_ner_plus.training.project.init_project import init_project
from tests.annotated_texts import make_nested_rows, make_rows, write_rows
from tests.forked import python

pytestmark = pytest.mark.slow

STEPS = ["convert", "train", "calibrate", "evaluate", "package", "report"]


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run Python in a folder. RETURNS (Tuple[int, str]): Exit status, all it printed."""
    env = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",  # as `make run` does: weasel's headings come in their places
        "OMP_NUM_THREADS": "1",
        "ANSI_COLORS_DISABLED": "1",
        **environment,
    }
    return python(list(arguments), cwd=folder, env=env)


def run_project(folder: Path, step: str, *options: str) -> str:
    # named: in a copy it would else be the folder in which weasel was imported
    words = ["-m", "spacy", "project", "run", step, str(folder), *options]
    status, output = run(folder, *words)
    assert status == 0, output
    return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    """A project with a space in its path."""
    texts = write_rows(tmp_path_factory.mktemp("texts") / "all.jsonl", make_rows(200))
    folder = tmp_path_factory.mktemp("projects") / "my ner"
    init_project(folder, [texts], encoder=tiny_encoder_dir)
    texts.unlink()  # the project has its own
    learn_fast(folder)
    return folder


def learn_fast(folder: Path) -> None:
    """Have a rate that suits an encoder that knows nothing, and fewer steps."""
    config = (folder / "config.cfg").read_text(encoding="utf8")
    settings = {"max_steps": 200, "total_steps": 200, "eval_frequency": 100, "warmup_steps": 10}
    for setting, value in {**settings, "initial_rate": 0.003}.items():
        config, n_found = re.subn(rf"\n{setting} = .*", f"\n{setting} = {value}", config)
        assert n_found == 1, setting
    (folder / "config.cfg").write_text(config, encoding="utf8")


@pytest.fixture(scope="module")
def first_run(folder: Path) -> str:
    return run_project(folder, "all")


def test_all_steps_run_and_the_last_line_names_the_report(folder: Path, first_run: str) -> None:
    headings = re.findall(r"={3,} (\w+) ={3,}", first_run)  # of evaluations, too
    assert [heading for heading in headings if heading in STEPS] == STEPS
    assert "metrics/test/report.html" in first_run.splitlines()[-1]
    assert "<html" in (folder / "metrics/test/report.html").read_text(encoding="utf8")
    assert re.search(r"train +texts.jsonl +160 ", first_run)


def test_pipeline_has_learned_from_the_texts(folder: Path, first_run: str) -> None:
    for name in ("dev", "test"):
        text = (folder / "metrics" / name / "metrics.json").read_text(encoding="utf8")
        exact = json.loads(text)["exact"]
        assert set(exact["types"]) == {"Disease", "Drug"}
        assert exact["micro"]["f1"] > 0.5


def test_wheel_can_be_installed_and_used(folder: Path, first_run: str, tmp_path: Path) -> None:
    (wheel,) = (folder / "packages").glob("*.whl")
    assert wheel.name == "en_my_ner-0.1.0-py3-none-any.whl"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    status, output = run(tmp_path, *install, str(tmp_path / "site"), str(wheel))
    assert status == 0, output
    code = (
        "import spacy; nlp = spacy.load('en_my_ner');"
        "doc = nlp('Case 1: Aspirin is given for gout.');"
        "print([(ent.text, ent.label_) for ent in doc.ents])"
    )
    site = str(tmp_path / "site")
    _, output = run(tmp_path, "-c", code, PYTHONPATH=site)
    assert "('Aspirin', 'Drug')" in output


def test_second_run_skips_what_is_done_wherever_the_folder_is(
    folder: Path, first_run: str, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "moved project"
    shutil.copytree(folder, moved)
    output = run_project(moved, "all")
    assert re.findall(r"Skipping '(\w+)': nothing changed", output) == STEPS[:-1]
    assert re.search(r"micro +\d+\.\d\d", output)  # the scores again


def test_other_texts_are_converted_and_learned_anew(
    folder: Path, first_run: str, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    write_rows(changed / "assets" / "texts.jsonl", make_rows(210))
    run_project(changed, "convert")
    output = run_project(changed, "all", "--dry")
    assert re.findall(r"Skipping '(\w+)': nothing changed", output)[0] == "convert"
    assert "Skipping 'train'" not in output


def test_wheels_of_other_versions_do_not_stay(folder: Path, first_run: str, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    run_project(copied, "package", "--vars.version", "0.2.0")
    (wheel,) = (copied / "packages").iterdir()
    assert wheel.name == "en_my_ner-0.2.0-py3-none-any.whl"


def test_without_a_package_index_the_encoder_step_says_what_to_do(tmp_path: Path) -> None:
    texts = write_rows(tmp_path / "texts.jsonl", make_rows(30))
    init_project(tmp_path / "project", [texts])
    words = ("-m", "spacy", "project", "run", "all", ".")
    status, output = run(tmp_path / "project", *words, PIP_NO_INDEX="1")
    assert status == 1
    assert "pip could not download" in output
    assert "ner-plus init-project --encoder" in " ".join(output.split())
    assert not (tmp_path / "project" / "corpus").exists()


@pytest.mark.parametrize("model", ["rules", "features", "bilstm"])
def test_project_of_each_kind_of_model_learns_from_the_texts(tmp_path: Path, model: str) -> None:
    texts = write_rows(tmp_path / "all.jsonl", make_rows(100))
    folder = tmp_path / model
    init_project(folder, [texts], model=model)
    config = (folder / "config.cfg").read_text(encoding="utf8")
    if model == "bilstm":  # a small one, that has no time
        for setting, value in (
            ("max_steps", 120),
            ("total_steps", 120),
            ("eval_frequency", 120),
            ("warmup_steps", 12),
            ("initial_rate", 0.005),
            ("hidden_size", 64),
        ):
            config = re.sub(rf"\n{setting} = .*", f"\n{setting} = {value}", config)
        (folder / "config.cfg").write_text(config, encoding="utf8")
    for step in ("convert", "train"):  # those behind are the same for all kinds
        run_project(folder, step)
    found = evaluate(folder / "training/model-best", folder / "corpus/test.spacy").metrics.exact
    assert set(found.types) == {"Disease", "Drug"}
    assert found.micro.f1 is not None
    assert found.micro.f1 > 0.5


def test_project_of_nested_texts_finds_entities_within_others(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    texts = write_rows(tmp_path / "all.jsonl", make_nested_rows(200))
    folder = tmp_path / "nested"
    init_project(folder, [texts], encoder=tiny_encoder_dir)
    learn_fast(folder)
    output = run_project(folder, "all")
    headings = re.findall(r"={3,} (\w+) ={3,}", output)
    assert [heading for heading in headings if heading in STEPS] == STEPS
    text = (folder / "metrics/test/metrics.json").read_text(encoding="utf8")
    metrics = json.loads(text)
    assert metrics["spans_key"] == "sc"
    assert metrics["nesting"]["inner"]["f1"] > 0.5
    assert metrics["exact"]["micro"]["f1"] > 0.5
    assert [path.name for path in (folder / "packages").iterdir()] == [
        "en_nested-0.1.0-py3-none-any.whl"
    ]
    (packaged,) = (folder / "training/en_nested-0.1.0").glob("en_nested/en_nested-*")
    doc = spacy.load(packaged)("Case 1: Bonn University has opened.")
    found = {(span.text, span.label_) for span in doc.spans["sc"]}
    assert found >= {("Bonn", "City"), ("Bonn University", "Org")}
