import configparser
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import catalogue
import pytest
from packaging.requirements import Requirement
from spacy.cli._util import app as spacy_app
from thinc.api import Config
from typer.testing import CliRunner

import spacy_ner_plus

ROOT = Path(__file__).parent.parent
# The installed one: the tests run without the source, too.
PACKAGE = Path(spacy_ner_plus.__file__).parent
NEEDS_SPACY_TRANSFORMERS = pytest.mark.skipif(
    find_spec("spacy_transformers") is None, reason="needs spacy-transformers"
)
CONFIGS = [
    "cpu",
    "gpu",
    "cnn",
    "features",
    "bilstm_crf",
    "shared",
    "spans",
    pytest.param("shared_trf", marks=NEEDS_SPACY_TRANSFORMERS),
    pytest.param("private_trf", marks=NEEDS_SPACY_TRANSFORMERS),
]


def read_setup() -> configparser.RawConfigParser:
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(ROOT / "setup.cfg", encoding="utf8")
    return parser


def listed_entry_points() -> dict[tuple[str, str], str]:
    """Group and name of each entry point in setup.cfg, and what it refers to."""
    points = {}
    for group, lines in read_setup()["options.entry_points"].items():
        for line in lines.strip().splitlines():
            name, target = line.split(" = ")
            points[group, name] = target
    return points


def registered_functions() -> dict[tuple[str, str], object]:
    """Group and name of everything that our modules register, and the function."""
    for module in pkgutil.walk_packages(spacy_ner_plus.__path__, "spacy_ner_plus."):
        importlib.import_module(module.name)
    found = {}
    for namespace, function in catalogue.REGISTRY.items():
        library, registry, name = namespace[0], namespace[1], namespace[-1]
        module = getattr(function, "__module__", "")
        if module.startswith("spacy_ner_plus."):
            registry = registry.removeprefix("internal_")
            found[f"{library}_{registry}", name] = function
    return found


def load(target: str) -> object:
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


def requirements() -> list[Requirement]:
    setup = read_setup()
    texts = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    return [Requirement(line) for text in texts for line in text.strip().splitlines()]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_entry_points_are_what_the_code_registers() -> None:
    listed = listed_entry_points()
    assert listed.pop(("spacy_cli", "ner-plus")) == "spacy_ner_plus.cli:app"
    assert listed.pop(("thinc_llm_tasks", "spacy_ner_plus.NER.v1"))  # of a package that may lack
    assert {key: load(target) for key, target in listed.items()} == registered_functions()


def test_entry_points_resolve() -> None:
    for target in listed_entry_points().values():
        assert callable(load(target))


def test_version_is_that_of_the_metadata() -> None:
    assert spacy_ner_plus.__version__ == read_setup()["metadata"]["version"]


def test_files_beside_the_code_come_with_the_package() -> None:
    packaged = set()
    for package, patterns in read_setup()["options.package_data"].items():
        folder = PACKAGE.parent.joinpath(*package.split("."))
        assert (folder / "__init__.py").exists(), package
        packaged |= {path for pattern in patterns.split(", ") for path in folder.glob(pattern)}
    there = {
        path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert there == packaged


def test_import_of_the_package_is_light() -> None:
    code = "import spacy_ner_plus, sys; sys.exit(bool({'spacy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_constraints_pin_every_requirement(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[requirement.name.lower()])


def test_constraints_are_the_same_on_every_machine() -> None:
    versions = pins()
    assert versions["torch"] == "2.13.0"
    assert not [version for version in versions.values() if "+" in version or "/" in version]
    assert not {"pip", "spacy-ner-plus"} & set(versions)


def test_build_requirement_is_among_the_test_dependencies() -> None:
    # the project builds wheels without isolation, so the environment must hold the backend
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert requires == [str(r) for r in requirements() if r.name == "setuptools"][:1]


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_valid(name: str) -> None:
    result = CliRunner().invoke(spacy_app, ["debug", "config", str(ROOT / f"configs/{name}.cfg")])
    assert result.exit_code == 0, result.output
    assert "Config is valid" in result.output


@pytest.mark.parametrize("name", CONFIGS)
def test_fill_config_has_nothing_to_add_to_the_component(name: str, tmp_path: Path) -> None:
    path, filled = ROOT / f"configs/{name}.cfg", tmp_path / "filled.cfg"
    result = CliRunner().invoke(spacy_app, ["init", "fill-config", str(path), str(filled)])
    assert result.exit_code == 0, result.output
    before, after = Config().from_disk(path), Config().from_disk(filled)
    assert after["components"] == before["components"]
    assert after["training"] == before["training"]


@pytest.mark.parametrize("name", CONFIGS)
def test_config_evaluates_its_last_step_and_ends_its_schedule_there(name: str) -> None:
    training = Config().from_disk(ROOT / f"configs/{name}.cfg")["training"]
    assert training["max_steps"] % training["eval_frequency"] == 0
    assert training["optimizer"]["learn_rate"]["total_steps"] == training["max_steps"]
