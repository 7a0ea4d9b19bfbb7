"""Which source files each command of the project depends on.

The project's other commands depend on these small files instead of on every source file, so that
what was done with other code is done again.
"""

import json
from importlib.metadata import distribution
from pathlib import Path

from ...support.digests import file_digest
from .import_closure import import_closure, package_files

PACKAGE = Path(__file__).parents[2]
CLI = "spacy_ner_plus.cli"
# Modules that a command runs besides those that configs and pipelines name.
OWN_MODULES: dict[str, list[str]] = {
    "convert": [f"{CLI}.project.convert"],
    "train": [],
    "calibrate": [f"{CLI}.calibrate"],
    "evaluate": [f"{CLI}.evaluate"],
    # the trial is run as a script, which nothing imports
    "smoke": [f"{CLI}.project.smoke", "spacy_ner_plus.training.project.smoke_trial"],
}
COMMANDS = (*OWN_MODULES, "package")
WITH_PIPELINE = {"train", "calibrate", "evaluate"}


def write_source_digests(output: Path) -> None:
    """Write, for each command of the project, the SHA-256 of the source files that it depends on.

    They are those of the package that runs: in a clone the folder spacy_ner_plus, because
    `python -m` looks in the current folder first, else the installed one.

    output (Path): Folder for one JSON file a command; made if it is not there.
    RAISES (ValueError): If a module that is named somewhere is not there.
    """
    output.mkdir(parents=True, exist_ok=True)
    for command in COMMANDS:
        digests = source_digests(command, PACKAGE)
        text = json.dumps(digests, indent=2) + "\n"
        (output / f"{command}.json").write_text(text, encoding="utf8")


def source_digests(command: str, package: Path) -> dict[str, str]:
    """The source files that a command of the project depends on.

    command (str): Name of the command.
    package (Path): The package's folder.
    RETURNS (Dict[str, str]): Name of each file, relative to the folder, and its SHA-256.
    """
    paths = package_files(package) if command == "package" else used_files(command, package)
    return {path.relative_to(package).as_posix(): file_digest(path) for path in paths}


def used_files(command: str, package: Path) -> list[Path]:
    """The source files that a command uses.

    Those of the package that registers all commands, and so imports all of them, are no part of it.
    """
    roots = list(OWN_MODULES[command])
    if command in WITH_PIPELINE:
        roots += configurable_modules()
    return import_closure(package, roots, without={CLI})


def configurable_modules() -> list[str]:
    """The modules of all that a config or a saved pipeline may name, by the entry points."""
    points = distribution("spacy_ner_plus").entry_points
    return [point.module for point in points if point.group != "spacy_cli"]
