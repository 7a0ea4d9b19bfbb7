import json
import subprocess
import sys
from pathlib import Path

import pytest
import srsly
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

import spacy_ner_plus
from spacy_ner_plus.cli import app
from spacy_ner_plus.support.digests import file_digest
from spacy_ner_plus.training.project.import_closure import (
    find_modules,
    package_files,
    read_homes,
)
from spacy_ner_plus.training.project.source_digests import COMMANDS, PACKAGE, source_digests

ROOT = Path(__file__).parents[3]
# Trains one step and uses the result, then prints which of our modules were loaded.
TRAINING = """
import sys
from pathlib import Path

import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config

config, encoder, data, output = sys.argv[1:]
settings = {"paths.encoder": encoder, "paths.train": data, "paths.dev": data}
settings |= {"training.max_steps": 1, "training.eval_frequency": 1}
settings |= {"components.ner_plus.model.window": 64}
nlp = init_nlp(load_config(config, overrides=settings))
train(nlp, Path(output))
spacy.load(Path(output) / "model-best")("Aspirin helps .")
print("LOADED", *(name for name in sys.modules if name.startswith("spacy_ner_plus")))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code") / "training" / "code"
    result = CliRunner().invoke(app, ["project", "code", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_package_is_the_one_that_runs() -> None:
    assert Path(spacy_ner_plus.__file__).parent == PACKAGE


@pytest.mark.slow
def test_each_command_gets_the_digests_of_what_it_uses(folder: Path) -> None:
    written = {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}
    assert set(written) == set(COMMANDS)
    for digests in written.values():
        assert digests == {name: file_digest(PACKAGE / name) for name in digests}
        assert digests.items() <= written["package"].items()
    assert len(written["package"]) == len(package_files(PACKAGE))
    assert written["train"].items() < written["calibrate"].items()
    assert written["train"].items() < written["evaluate"].items()
    assert "cli/evaluate.py" not in written["calibrate"]
    work = {"training/project/smoke_run.py", "training/project/smoke_trial.py"}
    assert {"cli/project/smoke.py", *work} <= set(written["smoke"])
    assert any(name.endswith(".css") for name in written["evaluate"])


def test_project_depends_on_every_file(folder: Path) -> None:
    commands = srsly.read_yaml(ROOT / "project.yml")["commands"]
    named = {Path(dep).name for command in commands for dep in command.get("deps", [])}
    assert {path.name for path in folder.iterdir()} <= named


@pytest.mark.slow
def test_training_loads_no_module_beyond_its_closure(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    doc = Doc(Vocab(), words=["Aspirin", "helps", "."])
    doc.ents = [Span(doc, 0, 1, label="Chemical")]
    DocBin(docs=[doc]).to_disk(tmp_path / "data.spacy")
    arguments = [ROOT / "configs/cpu.cfg", tiny_encoder_dir, tmp_path / "data.spacy", tmp_path]
    result = subprocess.run(
        [sys.executable, "-c", TRAINING, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    loaded = result.stdout.splitlines()[-1].split()[1:]
    modules = find_modules(PACKAGE)
    names = {modules[name].relative_to(PACKAGE).as_posix() for name in loaded}
    assert len(names) > 30
    assert names <= set(source_digests("train", PACKAGE))


def test_names_of_the_face_are_found_if_it_has_any() -> None:
    """Else what is imported through the face would be missing from the closures."""
    assert bool(read_homes(PACKAGE)) == hasattr(spacy_ner_plus, "__getattr__")
