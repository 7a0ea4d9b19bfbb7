"""The floors of the package: a room may use rooms of lower floors only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spacy_ner_plus

PACKAGE = "spacy_ner_plus"
ROOT = Path(spacy_ner_plus.__file__).parent

FLOORS = {
    "extras": 0,
    "resuming": 0,
    "tags": 0,
    "scoring": 0,
    "reliability": 0,
    "nn": 1,
    "text": 1,
    "models": 2,
    "pipeline": 3,
    "data": 3,
    "training": 4,
    "evaluation": 4,
    "experiments": 4,
    "prediction": 4,
    "serving": 4,
    "cli": 5,
}
# What else the rooms must do without.
HEAVY = {
    "web": {"fastapi", "flask", "starlette", "uvicorn", "aiohttp", "django", "httpx", "requests"},
    "plots": {"matplotlib", "plotly", "seaborn", "bokeh", "altair"},
    "spacy": {"spacy", "thinc"},
    "torch": {"torch", "transformers", "safetensors"},
    "shared": {"spacy_transformers", "spacy_curated_transformers", "curated_transformers"},
}
FORBIDDEN = {
    "extras": ["spacy", "torch", "shared", "web", "plots"],
    "resuming": ["spacy", "torch", "shared", "web", "plots"],
    "tags": ["spacy", "torch", "shared", "web", "plots"],
    "scoring": ["spacy", "torch", "shared", "web", "plots"],
    "reliability": ["spacy", "torch", "shared", "web", "plots"],
    "nn": ["spacy", "shared", "web", "plots"],
    "text": ["torch", "shared", "web", "plots"],
    "models": ["shared", "web", "plots"],
}
MAY_USE_TRANSFORMERS = {"nn/transformer.py", "models/pretrained.py"}


def imports_of(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """The full names of all that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            inside = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join([*inside, node.module] if node.module else inside)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def module_imports(path: Path) -> set[str]:
    name = ".".join([PACKAGE, *path.relative_to(ROOT).with_suffix("").parts])
    is_package = path.name == "__init__.py"
    name = name.removesuffix(".__init__")
    return imports_of(path.read_text(encoding="utf8"), name, is_package=is_package)


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


MODULES = {str(p.relative_to(ROOT)): p for p in sorted(ROOT.rglob("*.py"))}
ROOMS = {name: path for name, path in MODULES.items() if name != "__init__.py"}


def test_imports_are_all_found() -> None:
    source = (
        "import torch.nn as nn, os\n"
        "from spacy.tokens import Doc, Span\n"
        "from .. import tags\n"
        "from ..text.windows import plan_windows\n"
        "def late():\n"
        "    from . import crf\n"
    )
    assert imports_of(source, "spacy_ner_plus.nn.pooling") == {
        "torch.nn",
        "os",
        "spacy.tokens.Doc",
        "spacy.tokens.Span",
        "spacy_ner_plus.tags",
        "spacy_ner_plus.text.windows.plan_windows",
        "spacy_ner_plus.nn.crf",
    }
    assert imports_of("from .crf import CRF", "spacy_ner_plus.nn", is_package=True) == {
        "spacy_ner_plus.nn.crf.CRF"
    }


def test_every_module_is_in_a_room() -> None:
    assert {room_of(path) for path in ROOMS.values()} <= set(FLOORS)
    assert {"tags.py", "nn/crf.py", "text/windows.py", "models/shim.py"} <= set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_module_imports_rooms_of_lower_floors_only(name: str) -> None:
    room = room_of(ROOMS[name])
    for imported in module_imports(ROOMS[name]):
        parts = imported.split(".")
        if parts[0] != PACKAGE or parts[1] not in FLOORS or parts[1] == room:
            continue
        assert FLOORS[parts[1]] < FLOORS[room], f"{name} imports {imported}"


@pytest.mark.parametrize("name", [n for n, p in ROOMS.items() if room_of(p) in FORBIDDEN])
def test_module_does_without(name: str) -> None:
    forbidden = set().union(*(HEAVY[kind] for kind in FORBIDDEN[room_of(ROOMS[name])]))
    tops = {imported.split(".")[0] for imported in module_imports(ROOMS[name])}
    assert not tops & forbidden


@pytest.mark.parametrize("name", [n for n in ROOMS if n not in MAY_USE_TRANSFORMERS])
def test_module_leaves_transformers_to_two_files(name: str) -> None:
    tops = {imported.split(".")[0] for imported in module_imports(ROOMS[name])}
    assert "transformers" not in tops


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after a statement."""
    code = (
        f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return set(output.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import spacy_ner_plus", {"torch", "spacy", "thinc", "transformers", "numpy"}),
        (
            "import spacy_ner_plus.tags, spacy_ner_plus.scoring",
            {"torch", "spacy", "thinc", "transformers"},
        ),
        ("import spacy_ner_plus.nn.crf, spacy_ner_plus.nn.pooling", {"spacy", "thinc"}),
    ],
)
def test_importing_loads_nothing_heavy(statement: str, absent: set[str]) -> None:
    """All of it, also what the imported modules import."""
    loaded = loaded_after(statement)
    assert PACKAGE in loaded
    assert not loaded & absent
