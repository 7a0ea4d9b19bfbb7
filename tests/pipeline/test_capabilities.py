"""Components are asked for what they can do, never for their class."""

import ast
import functools
from pathlib import Path

import pytest
import spacy

import spacy_ner_plus
from spacy_ner_plus.pipeline.capabilities import (
    GivesReadings,
    GivesSecondReadings,
    HasCalibration,
    HasTaggerShim,
    HasThresholds,
)
from tests.pipeline.lookup_pipelines import TOYS, toy_nlp
from tests.pipeline.samples import make_nlp

PACKAGE = Path(spacy_ner_plus.__file__).parent


def test_capabilities_are_those_that_a_component_has() -> None:
    every = (HasThresholds, HasCalibration, GivesReadings, GivesSecondReadings, HasTaggerShim)
    ner = make_nlp(Path("nobody/nowhere")).get_pipe("ner_plus")
    assert all(isinstance(ner, capability) for capability in every)
    for factory, expected in zip(TOYS, (every[:1], every[:1], every[:2]), strict=True):
        pipe = toy_nlp(factory).get_pipe("toy")
        assert tuple(c for c in every if isinstance(pipe, c)) == expected
    nlp = spacy.blank("en")
    for factory in ("ner", "spancat", "entity_ruler", "sentencizer", "merge_entities"):
        assert not isinstance(nlp.add_pipe(factory), every)


@pytest.mark.slow
def test_capabilities_have_what_somebody_uses_and_no_more() -> None:
    """A component that lacks what nobody asks for would be refused for nothing."""
    capabilities = PACKAGE / "pipeline" / "capabilities.py"
    members: dict[str, set[str]] = {
        node.name: {
            item.target.id if isinstance(item, ast.AnnAssign) else item.name
            for item in node.body
            if isinstance(item, ast.AnnAssign | ast.FunctionDef)
        }
        for node in parsed(capabilities).body
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(b) for b in node.bases)
    }
    assert set(members) == {
        "HasThresholds", "HasCalibration", "HasLabelledShim", "HasRules", "HasTaggerShim",
        "HasValidators", "GivesReadings", "GivesReasons", "GivesSecondReadings",
        "KnowsTokenLabels", "KnowsUncertainty", "LearnsFromTeachers",
        "WritesNestedEntities", "LearnsNestedEntities", "DecidesCrossings",
    }  # fmt: skip
    for name, its in members.items():
        users = [
            parsed(path)
            for path in PACKAGE.rglob("*.py")
            if path != capabilities and name in names_in(parsed(path))
        ]
        # functions beside the protocols are users, too
        users += [n for n in parsed(capabilities).body if isinstance(n, ast.FunctionDef)]
        used = {n.attr for user in users for n in ast.walk(user) if isinstance(n, ast.Attribute)}
        assert its - used == set(), name


def classes_of_rooms() -> dict[str, set[str]]:
    """The classes that each factory's room defines, by its folder."""
    rooms = [path.parent for path in (PACKAGE / "pipeline").rglob("factory.py")]
    return {
        room.relative_to(PACKAGE).as_posix(): {
            node.name
            for path in room.rglob("*.py")
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef)
        }
        for room in rooms
    }


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf8"))


def names_in(module: ast.AST) -> set[str]:
    """All that a module imports, or takes from something."""
    return {
        name
        for node in ast.walk(module)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else [node.attr]
            if isinstance(node, ast.Attribute)
            else []
        )
    }


def test_nobody_asks_whether_a_component_is_of_one_class() -> None:
    """But in its own folder; the public face hands them on, and NerFeatures is made of NerPlus."""
    rooms = classes_of_rooms()
    assert {"NerPlus", "LearningPipe"} <= rooms["pipeline/ner_plus"]
    users = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for room, classes in rooms.items()
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / room)
        for name in names_in(parsed(path)) & classes
    }
    assert users == {
        ("__init__.py", "NerPlus"),
        ("__init__.py", "NerPlusRules"),
        ("pipeline/features/component.py", "NerPlus"),
    }
