"""The project's commands end to end, on a slice of BC5CDR with a tiny encoder."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import srsly
from thinc.api import Config
from weasel.cli.run import check_rerun
from weasel.util import load_project_config

from spacy_ner_plus.training.project import source_digests
from tests.annotated_texts import make_nested_rows, write_rows
from tests.forked import python

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
COPIED = ("configs", "spacy_ner_plus", "LICENSE", "constraints.txt", "project.yml")
COPIED += ("pyproject.toml", "setup.cfg")
N_DOCUMENTS = 10  # of less than 100 documents spaCy's debug data ends with an error
MAX_STEPS = 400
COMMANDS = srsly.read_yaml(ROOT / "project.yml")["commands"]
NEVER_SKIPPED = {
    command["name"] for command in COMMANDS if command.get("no_skip") or not command.get("outputs")
}


class Project:
    """A copy of the project in a folder of its own, with a small corpus in it."""

    def __init__(self, folder: Path, encoder: Path) -> None:
        self.folder = folder
        self.encoder = encoder
        for name in COPIED:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, target)
        (folder / "README.md").write_text("# A copy for tests\n", encoding="utf8")
        self.corpus = folder / "assets" / "bc5cdr"
        self.corpus.mkdir(parents=True)
        self._write_corpus()
        self.fit_config("cpu")

    def _write_corpus(self) -> None:
        text = (ROOT / "assets/bc5cdr/train.pubtator").read_text(encoding="utf8")
        documents = text.split("\n\n")[:N_DOCUMENTS]
        slices = "\n\n".join(documents) + "\n"
        for split in ("train", "dev", "test"):  # the same: an overfitted model finds entities
            (self.corpus / f"{split}.pubtator").write_text(slices, encoding="utf8")
        write_sums(self.corpus)
        titles = [document.splitlines()[0].split("|t|")[1] for document in documents]
        (self.folder / "assets/smoke.txt").write_text("\n".join(titles), encoding="utf8")

    def fit_config(self, name: str) -> None:
        """Settings for an encoder that is tiny and knows nothing."""
        path = self.folder / f"configs/{name}.cfg"
        text = path.read_text(encoding="utf8")
        settings = {"window": 64, "overlap": 16, "size": 200, "eval_frequency": 200}
        settings |= {"initial_rate": 0.002, "warmup_steps": 10, "log_every_seconds": 0.1}
        settings |= {"max_steps": MAX_STEPS, "total_steps": MAX_STEPS}
        for name, value in settings.items():
            text, n_found = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
            assert n_found == 1, name
        path.write_text(text, encoding="utf8")

    def variables(self, **changes: object) -> dict[str, object]:
        settings = {"encoder": str(self.encoder)}
        return {f"vars.{name}": value for name, value in (settings | changes).items()}

    def run(self, command: str, **variables: object) -> tuple[int, str]:
        """Run a command or workflow. RETURNS (Tuple[int, str]): Exit status, all it printed.

        Copies of this process have our package already, and not from the project's folder: its
        files are yet those that are noted.
        """
        overrides = [f"--{name}={value}" for name, value in self.variables(**variables).items()]
        arguments = ["-m", "spacy", "project", "run", command, ".", *overrides]
        env = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",  # as `make run` does
            "OMP_NUM_THREADS": "1",
            "ANSI_COLORS_DISABLED": "1",
            "COLUMNS": "200",
        }
        with self._package_here():
            return python(arguments, cwd=self.folder, env=env)

    def note_code(self) -> None:
        """What the command `code` does."""
        with self._package_here():
            source_digests.write_source_digests(self.folder / "training" / "code")

    @contextmanager
    def _package_here(self) -> Iterator[None]:
        """Have our package be that in the folder, as it is for `python -m` there."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(source_digests, "PACKAGE", self.folder / "spacy_ner_plus")
            yield

    def steps_to_repeat(self, workflow: str) -> list[str]:
        """The steps that would not be skipped, because something changed."""
        config = load_project_config(self.folder, overrides=self.variables())
        commands = {command["name"]: command for command in config["commands"]}
        return [
            step
            for step in config["workflows"][workflow]
            if step not in NEVER_SKIPPED and check_rerun(self.folder, commands[step])
        ]


def write_sums(folder: Path) -> None:
    files = [path for path in sorted(folder.iterdir()) if path.name != "SHA256SUMS"]
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (folder / "SHA256SUMS").write_text("".join(sums))


@contextmanager
def changed(path: Path) -> Iterator[None]:
    """Add a comment to a file, which may be a new one, and take it back."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes((before or b"") + b"# changed\n")
    yield
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Project:
    return Project(tmp_path_factory.mktemp("project"), tiny_encoder_dir)


@pytest.fixture(scope="module")
def first_run(project: Project) -> str:
    status, output = project.run("all")
    assert status == 0, output
    return output


def test_workflow_goes_through_all_commands(first_run: str) -> None:
    names = [command["name"] for command in COMMANDS]
    positions = [re.search(rf"={{3,}} {name} ={{3,}}", first_run) for name in names]
    assert all(positions)
    assert positions == sorted(positions, key=lambda match: match.start())
    assert "Skipping" not in first_run


def test_what_may_be_wrong_with_the_input_is_looked_at_first() -> None:
    workflows = srsly.read_yaml(ROOT / "project.yml")["workflows"]
    for name in ("all", "train"):
        assert workflows[name][:4] == ["code", "check", "encoder", "convert"]


def test_check_encoder_convert_and_debug_report(first_run: str, tiny_encoder_dir: Path) -> None:
    words = " ".join(first_run.split())  # wasabi breaks lines
    assert "3 files are as expected" in words
    assert f"Using the encoder in {tiny_encoder_dir}" in words
    assert len(re.findall(rf"documents +{N_DOCUMENTS}\n", first_run)) == 3
    assert first_run.count("Config is valid") == 1
    assert "Corpus is loadable" in first_run
    assert "Low number of examples to train a new pipeline" in words  # an error of debug data
    assert "training examples also in evaluation data" in first_run


def test_train_shows_progress_without_a_terminal(first_run: str) -> None:
    assert re.search(r"E +# +LOSS NER_PLUS +ENTS_P .* WORDS/S +SCORE", first_run)
    progress = rf"step \d+/{MAX_STEPS} \(\d+%\)  loss [\d.]+  [\d,]+ words/s  \w+ [\d.]+ GB  ETA"
    assert re.search(progress, first_run)
    assert re.search(rf"^ +\d+ +{MAX_STEPS} +\d", first_run, flags=re.M)


def test_evaluate_prints_and_writes_scores(project: Project, first_run: str) -> None:
    for data in ("dev", "test"):
        folder = project.folder / "metrics/bc5cdr" / data
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf8"))
        exact = metrics["exact"]
        assert set(exact["types"]) == {"Chemical", "Disease"}
        assert exact["micro"]["f1"] > 0.5
        assert metrics["speed"]["words_per_second"] > 0
        version = metrics["data_version"]["data_set"][:12]
        assert first_run.count(f"Data: version {version}, {data}.") == 2
        scores = " +".join(f"{100 * exact['micro'][key]:.2f}" for key in ("precision", "recall"))
        assert len(re.findall(rf"micro +{scores}", first_run)) >= 2  # by evaluate and by report
        n_errors = sum(kind["errors"] for kind in metrics["errors"]["kinds"])
        assert len((folder / "errors.jsonl").read_text(encoding="utf8").splitlines()) == n_errors
        assert "<html" in (folder / "report.html").read_text(encoding="utf8")
    assert "metrics/bc5cdr/test/report.html" in first_run.splitlines()[-1]


def test_package_writes_two_wheels_and_requires_our_package(
    project: Project, first_run: str
) -> None:
    wheels = sorted(path.name for path in (project.folder / "packages").glob("*.whl"))
    assert wheels == [
        "en_ner_plus_demo-0.1.0-py3-none-any.whl",
        "spacy_ner_plus-0.4.0-py3-none-any.whl",
    ]
    assert "spacy_ner_plus>=0.4.0,<0.5.0" in first_run


def test_smoke_prints_entities_with_probabilities(project: Project, first_run: str) -> None:
    assert "Loaded en_ner_plus_demo 0.1.0 by name, with sockets blocked" in first_run
    assert re.search(r"^    (Chemical|Disease) +[01]\.\d\d  \S", first_run, flags=re.M)
    page = (project.folder / "metrics/bc5cdr/smoke.html").read_text(encoding="utf8")
    assert re.search(r"(Chemical|Disease) [01]\.\d\d", page)


def test_second_run_skips_what_is_done_and_prints_results(project: Project, first_run: str) -> None:
    status, output = project.run("all")
    assert status == 0, output
    skipped = re.findall(r"Skipping '([\w-]+)': nothing changed", output)
    assert skipped == [
        "convert",
        "debug",
        "train-pipeline",
        "calibrate",
        "evaluate",
        "package",
        "smoke",
    ]
    assert re.search(r"micro +\d+\.\d\d", output)


def test_changed_corpus_is_refused_before_anything_is_done(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    project = Project(tmp_path, tiny_encoder_dir)
    with (project.corpus / "dev.pubtator").open("a") as file:
        file.write("1|t|More\n")
    status, output = project.run("all")
    assert status == 1
    assert f"{Path('assets/bc5cdr/dev.pubtator')} differs: expected SHA-256" in output
    assert not (project.folder / "corpus").exists()


def test_missing_corpus_and_missing_encoder_are_named(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    project = Project(tmp_path, tiny_encoder_dir)
    status, output = project.run("check", corpus="bc5crd")
    assert status == 1
    assert "assets/bc5crd does not exist. There are: assets/bc5cdr" in output
    status, output = project.run("encoder", encoder="assets/nowhere")
    assert status == 1
    assert "There is no folder assets/nowhere" in output


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("README.md", []),
        ("spacy_ner_plus/nobody_imports_this.py", ["package"]),
        ("spacy_ner_plus/cli/evaluate.py", ["evaluate", "package"]),
        ("spacy_ner_plus/cli/project/convert.py", ["convert", "package"]),
        ("spacy_ner_plus/training/project/smoke_trial.py", ["package", "smoke"]),
    ],
)
def test_changed_file_repeats_the_steps_that_use_it(
    project: Project, first_run: str, name: str, expected: list[str]
) -> None:
    with changed(project.folder / name):
        project.note_code()
        assert project.steps_to_repeat("all") == expected
        assert project.steps_to_repeat("train") == [step for step in expected if step == "convert"]


def test_changed_file_of_the_model_repeats_training(project: Project, first_run: str) -> None:
    with changed(project.folder / "spacy_ner_plus/nn/crf/decoder.py"):
        status, output = project.run("code")
        assert status == 0, output
        repeated = ["debug", "train-pipeline", "calibrate", "evaluate", "package", "smoke"]
        assert project.steps_to_repeat("all") == repeated
        assert project.steps_to_repeat("train") == ["train-pipeline"]
    project.note_code()
    assert project.steps_to_repeat("all") == []


def test_project_of_nested_entities_needs_a_config_and_a_corpus_alone(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    project = Project(tmp_path, tiny_encoder_dir)
    project.fit_config("spans")
    corpus = project.folder / "assets" / "nested"
    for seed, split in enumerate(("train", "dev", "test")):
        write_rows(corpus / f"{split}.jsonl", make_nested_rows(60, seed))
    write_sums(corpus)
    for step in ("code", "check", "encoder", "convert", "train-pipeline", "calibrate"):
        status, output = project.run(step, config="spans", corpus="nested")
        assert status == 0, output
        if step == "convert":
            assert re.search(r"entities within others +\d+", output)
    status, output = project.run("evaluate", config="spans", corpus="nested")
    assert status == 0, output
    assert "Entities inside of others" in output
    path = project.folder / "metrics/nested/test/metrics.json"
    assert json.loads(path.read_text(encoding="utf8"))["nesting"]["inner"]["f1"] > 0.5


def test_documented_steps_notice_changed_files() -> None:
    """They are workflows that begin with `code`, or commands that are never skipped."""
    texts = [ROOT / name for name in ("Makefile", "project.yml", "assets/README.md")]
    texts += [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {
        step
        for path in texts
        for step in re.findall(r"project run ([\w-]+)", path.read_text(encoding="utf8"))
    }
    workflows = srsly.read_yaml(ROOT / "project.yml")["workflows"]
    beginning = {name for name, steps in workflows.items() if steps[0] == "code"}
    assert {"all", "train"} <= named
    assert named - beginning <= NEVER_SKIPPED


def test_each_config_has_its_own_steps_which_the_project_leaves_as_they_are() -> None:
    assert "max_steps" not in (ROOT / "project.yml").read_text(encoding="utf8")
    for path in (ROOT / "configs").glob("*.cfg"):
        training = Config().from_disk(path, interpolate=False).get("training")
        if training is None:  # of a pipeline that is not trained
            continue
        steps = training["max_steps"]
        assert training["optimizer"]["learn_rate"]["total_steps"] == steps, path
        assert steps % training["eval_frequency"] == 0, path


def test_documented_overrides_name_the_project_folder() -> None:
    """weasel takes the first word after the command for the folder, even if it is an option."""
    texts = [ROOT / "README.md", ROOT / "project.yml", ROOT / "assets" / "README.md"]
    lines = [
        line
        for path in [*texts, *(ROOT / "docs").glob("*.md")]
        for line in path.read_text(encoding="utf8").splitlines()
        if "project run" in line and "--vars" in line
    ]
    assert len(lines) >= 4
    assert all(re.search(r"project run \w+ \. --vars\.", line) for line in lines)
