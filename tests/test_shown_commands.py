"""Every command and every block of Python in README, CONTRIBUTING.md and the docs.

A command is run in a folder that holds what the docs name, or NOT_RUN says why it is not. Either
way its words are given to the parser that would read them.
"""

import argparse
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from configparser import RawConfigParser
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest
import srsly
from thinc.api import Config
from typer.core import TyperGroup
from typer.main import get_command

from spacy_ner_plus.cli import spacy_app
from tests.shown import ROOT, Command, blocks, commands, lines

SPACY = "python -m spacy "
OURS = f"{SPACY}ner-plus "
# Commands that are run, by how they begin, and what is made smaller for that.
RUN: dict[str, dict[str, str]] = {
    OURS + "agreement ": {},
    OURS + "audit .* test.spacy --output": {},
    OURS + "augment ": {},
    OURS + "audit .* --sections nesting": {},
    OURS + "calibrate ": {},
    OURS + "compare ": {"test.spacy": "test.spacy --swaps 50 --samples 50"},
    OURS + "convert ": {},
    OURS + "cross-validate .* --folds ": {"--folds 5": "--folds 2"},
    OURS + "distil ": {},
    OURS + "evaluate ": {},
    OURS + "guidelines ": {},
    OURS + "init-config ": {},
    OURS + "init-project ": {},
    OURS + "learning-curve ": {"0.125,0.25,0.5,1 --repeats 3": "0.5,1 --repeats 1"},
    OURS + "predict ": {},
    OURS + "project split ": {},
    OURS + "rank ": {},
    OURS + "leakage ": {},
    OURS + "redact .* --method label": {},
    OURS + "rules check ": {},
    OURS + "serve-key ": {},
    OURS + "train ": {},
    OURS + "vectors ": {},
}
# Those that are not, and why: only their words are looked at.
NOT_RUN = {
    OURS + "cross-validate .* --paths": "five trainings; the shorter form is run",
    OURS + "annotate-llm ": "asks a language model; tests/prediction/test_annotate_llm.py runs it",
    OURS + "audit .* --folds": "trains; tests/audit/label_errors/test_cross_validated.py does",
    OURS + "audit .* --model": "needs a pipeline of other data; tests/cli/test_audit_judges.py",
    OURS + "audit .* --guidelines": "tests/audit/test_decisions.py runs it",
    OURS + "explain ": "needs hand-written features; tests/pipeline/features/test_reasons.py",
    OURS + "export ": "takes long; tests/cli/test_export.py runs it",
    OURS + "project encoder ": "asks a package index",
    OURS + "serve ": "serves until it is stopped; tests/serving/processes/test_real_server.py",
    OURS + "split ": "groups by a key of somebody's; tests/data/splitting/test_split.py runs it",
    OURS + "redact .* --key-file": "needs a key; tests/redaction/test_redact.py runs it",
    OURS + "unredact ": "needs what redact wrote; tests/redaction/test_redact.py runs it",
    OURS + "weak-label ": "needs voters that find something; tests/weak_labels/test_weak_label.py",
    SPACY + "package ": "builds a wheel; tests/test_project.py does",
    SPACY + r"project run \w+$": "tests/training/project/test_project.py runs it",
    SPACY + r"project run \w+ \. --vars": "whole trainings; tests/test_project.py runs a small one",
    "python benchmarks/": "takes minutes or hours; tests/test_benchmark_runs.py runs a small one",
    r"benchmarks/gpu\.sh": "needs a GPU; tests/test_gpu_script.py runs it on the CPU",
    r"python -m benchmarks\.gazetteer": "minutes; tests/test_benchmark_runs.py runs a small one",
    r"python -m benchmarks\.windows": "minutes; tests/test_benchmark_runs.py runs a small one",
    "python -m pip download": "asks a package index",
    "make ": "makes an environment, or takes minutes",
    "pip install": "asks a package index",
    r"\.venv/bin/python -m pytest ": "tests, of which these are",
    r"\.venv/bin/python -m mkdocs serve ": "serves until it is stopped",
    r"\.venv/bin/python -m tests\.key_tables": "writes docs; tests/test_key_tables.py compares",
    r"\.venv/bin/pre-commit install": "changes the repository",
    "git status": "not ours",
    "curl ": "not ours",
    "gunicorn --preload": "not ours",
    "cd my-ner": "nothing to run",
    "mkdir -p packages": "nothing to run",
    "(ner-plus|spacy) ": "a mention in a sentence",
    "--": "options in a sentence, of commands that the page shows",
}
ALL = commands()


def way(text: str) -> list[str]:
    """The lines of the tables that a command fits."""
    run = [pattern for pattern in RUN if re.match(pattern, text)]
    return run + [pattern for pattern in NOT_RUN if re.match(pattern, text)]


def is_run(command: Command) -> bool:
    return any(pattern in RUN for pattern in way(command.text))


def test_every_command_is_run_or_not_for_a_reason() -> None:
    assert {c.text: way(c.text) for c in ALL if len(way(c.text)) != 1} == {}


def test_every_line_of_the_tables_is_of_use() -> None:
    used = {pattern for command in ALL for pattern in way(command.text)}
    assert {*RUN, *NOT_RUN} - used == set()
    named = re.findall(r"tests/[\w/]+\.py", " ".join(NOT_RUN.values()))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_commands_are_found() -> None:
    block = "for part in a b; do\n    cat $part  # all\ndone\nuntil x \\\n  --y; [ 1 ]; do\n"
    assert list(lines(block)) == ["cat a", "cat b", "x --y"]
    shown = {(command.text, command.page) for command in ALL}
    assert ("make bench DATA=path ARGS=--quick", "speed.md") in shown
    assert (
        "python benchmarks/bounds.py MODEL assets/bc5cdr-columns/test.tsv",
        "existing.md",
    ) in shown


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_blocks_of_bash_are_bash() -> None:
    for page, block in blocks("bash"):
        checked = subprocess.run(["bash", "-n"], input=block, text=True, check=False)
        assert checked.returncode == 0, page


# What reads the words


@pytest.mark.parametrize("command", ALL, ids=lambda command: f"{command.page}-{command.text}"[:60])
def test_command_is_understood(command: Command) -> None:
    text = command.text.removeprefix(".venv/bin/")
    for begin, look in CHECKS.items():
        if text.startswith(begin):
            look(shlex.split(text.removeprefix(begin)), command)
            return
    reasons = [NOT_RUN.get(pattern) for pattern in way(command.text)]
    assert reasons in (["not ours"], ["nothing to run"], ["changes the repository"]), reasons


def check_make(words: list[str], command: Command) -> None:
    """The targets are there, and the variables get somewhere."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    made = subprocess.run(
        ["make", "--dry-run", "--always-make", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    values = [value for _, equals, value in (word.partition("=") for word in words) if equals]
    assert [value for value in values if value not in made.stdout] == []


def check_pip(words: list[str], command: Command) -> None:
    setup = RawConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf8")
    for extra in re.findall(r"spacy_ner_plus\[(\w+)\]", " ".join(words)):
        assert extra in setup["options.extras_require"]


def check_spacy(words: list[str], command: Command) -> None:
    """Every option exists, values are of its type, and nothing is missing, but in a mention."""
    found, rest = find(words)
    try:
        made = found.make_context(found.name, rest)
    except Exception as error:  # typer may have a click of its own
        is_missing = type(error).__name__ == "MissingParameter" and not command.is_whole
        assert is_missing or re.search("(dir|path) .* does not exist", str(error)), (
            f"{command}: {error}"
        )
    else:
        check_rest(found.name, made.args)


def find(words: list[str]) -> tuple[Any, list[str]]:
    """A command of spaCy's, ours included, and the words that it gets."""
    found: Any = spacy_command()
    for i, word in enumerate(words):
        if not isinstance(found, TyperGroup):
            return found, words[i:]
        found = found.commands[word]
    return found, []


@cache
def spacy_command() -> TyperGroup:
    group = get_command(spacy_app)
    assert isinstance(group, TyperGroup)
    return group


def check_rest(name: str, rest: list[str]) -> None:
    """What is left are variables of the project, or settings of the config."""
    variables = srsly.read_yaml(ROOT / "project.yml")["vars"]
    known = {f"--vars.{variable}" for variable in variables} if name == "run" else settings()
    assert [word for word in rest if word.startswith("--") and word not in known] == []


@cache
def settings() -> set[str]:
    """The settings of configs/cpu.cfg, as options."""

    def walk(section: dict[str, Any], before: str) -> set[str]:
        found = {f"{before}{name}" for name in section}
        inner = [(n, part) for n, part in section.items() if isinstance(part, dict)]
        return found.union(*(walk(part, f"{before}{n}.") for n, part in inner))

    return walk(Config().from_disk(ROOT / "configs" / "cpu.cfg"), "--")


def check_script(words: list[str], command: Command) -> None:
    parser_of(words[0]).parse_args(words[1:])


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    """The parser of a script or module: it is started, and stopped where it parses."""

    class Found(Exception):  # noqa: N818
        pass

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        raise Found(parser)

    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Found) as found:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.syspath_prepend(ROOT / "benchmarks")
        if script.endswith(".py"):
            runpy.run_path(str(ROOT / script), run_name="__main__")
        else:
            runpy.run_module(script, run_name="__main__")
    for name in set(sys.modules) - before:  # modules of the folder, without a package
        if name.partition(".")[0] in ("runs", "speed"):
            del sys.modules[name]
    parser: argparse.ArgumentParser = found.value.args[0]
    return parser


def check_shell(words: list[str], command: Command) -> None:
    script, _, rest = command.text.partition(" ")
    assert {word for word in rest.split() if word.startswith("--")} <= options_in(script)


def options_in(script: str) -> set[str]:
    """The options in the `case` of a shell script."""
    return set(re.findall(r"(--[a-z-]+)\)", (ROOT / script).read_text(encoding="utf8")))


def check_module(words: list[str], command: Command) -> None:
    assert find_spec(words[0]) is not None or words[0] == "mkdocs"
    assert all((ROOT / word).exists() for word in words[1:] if "/" in word or word[0] == ".")


def check_options(words: list[str], command: Command) -> None:
    """An option in a sentence belongs to a command that the page shows, or sets something."""
    options = {word for word in [f"--{words[0]}", *words[1:]] if word.startswith("--")}
    known = settings() | {name for c in ALL if c.page == command.page for name in options_of(c)}
    assert options - known == set()


def options_of(command: Command) -> set[str]:
    """All options of a command's parser."""
    words = shlex.split(command.text.removeprefix(".venv/bin/"))
    if words[0].endswith(".sh"):
        return options_in(words[0])
    if words[0] == "make" and words[1] == "bench":
        return set(parser_of("benchmarks.speed.__main__")._option_string_actions)
    if words[0] == "python" and words[1].startswith("benchmarks/"):
        return set(parser_of(words[1])._option_string_actions)
    if words[:3] == ["python", "-m", "spacy"] or words[0] in ("ner-plus", "spacy"):
        own = {"python": words[3:], "spacy": words[1:]}.get(words[0], words)
        parameters = find(own)[0].params
        return {name for its in parameters for name in (*its.opts, *its.secondary_opts)}
    return set()


CHECKS: dict[str, Callable[[list[str], Command], None]] = {
    "make ": check_make,
    "pip ": check_pip,
    "python -m spacy ": check_spacy,
    "python -m ": check_module,
    "python ": check_script,
    "benchmarks/": check_shell,
    "spacy ": check_spacy,
    "ner-plus ": lambda words, command: check_spacy(["ner-plus", *words], command),
    "--": check_options,
}


def test_benchmarks_show_how_they_are_started() -> None:
    """The lines in their docstrings; what is between brackets may be left out."""
    modules = sorted((ROOT / "benchmarks").glob("*.py"))
    scripts = [path for path in modules if "__main__" in path.read_text(encoding="utf8")]
    shown = [
        line.strip()
        for path in scripts
        for line in path.read_text(encoding="utf8").partition('"""\n\n')[0].splitlines()
        if line.startswith("    python benchmarks/")
    ]
    assert len(shown) >= len(scripts)
    for line in shown:
        words = shlex.split(re.sub(r"[][]", "", line))
        parser_of(words[1]).parse_args(words[2:])
