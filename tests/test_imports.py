"""The floors of the package: a room may use rooms of lower floors only."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import spacy_ner_plus
from spacy_ner_plus.training.project.import_closure import imported_names

PACKAGE = "spacy_ner_plus"
ROOT = Path(spacy_ner_plus.__file__).parent

# By room: a room may use rooms of lower floors, and what ALSO lists.
FLOORS = {
    "__init__": 6,  # the public face: lazy, knows all but the command line
    "about": 0,
    "tags": 0,
    "records": 0,
    "metrics": 0,
    "nesting": 0,
    "voting": 0,
    "support": 0,
    "nn": 1,
    "text": 1,
    "annotation": 1,
    "pages": 1,
    "models": 2,
    "pipeline": 3,
    "data": 3,
    "training": 4,
    "evaluation": 4,
    "prediction": 4,
    "experiments": 4,
    "ranking": 4,
    "weak_labels": 4,
    "monitoring": 4,
    "audit": 5,
    "serving": 5,
    "feedback": 5,
    "registry": 5,
    "database": 5,
    "redaction": 5,
    "cli": 7,
}
# Edges between rooms of one floor.
ALSO = {
    "metrics": {"nesting"},  # scores by depth
    "text": {"annotation"},  # features of tokens that are in the hits of rules
    "experiments": {"training", "evaluation"},
    "serving": {"feedback", "registry"},
}
# The same within rooms that have inner ones.
INNER = {
    "models": {
        "storage": 0,
        "pretrained": 0,
        "decoding": 0,
        "runtime": 1,
        "onnx": 2,
        "architectures": 3,
    },
    "nn": {"crf": 0, "encoders": 0, "heads": 1},
}
INNER_ALSO = {"models": {}, "nn": {}}
# What rooms must do without. The longest name of a room or file that fits a module counts.
HEAVY = {
    "web": {"fastapi", "flask", "starlette", "uvicorn", "aiohttp", "django", "httpx", "requests"},
    "sql": {"sqlite3", "sqlalchemy", "alembic", "psycopg"},
    "ray": {"ray"},
    "plots": {"matplotlib", "plotly", "seaborn", "bokeh", "altair"},
    "spacy": {"spacy", "thinc"},
    "torch": {"torch", "safetensors"},
    "transformers": {"transformers"},
    "shared": {"spacy_transformers", "spacy_curated_transformers", "curated_transformers"},
}
# Who may use them: rooms or files.
ALLOWED = {
    "web": {"serving"},
    "sql": {"feedback", "database"},
    "ray": {"prediction/ray_job.py"},
    "plots": {"pages"},
    "spacy": {
        "text", "annotation", "models/storage", "models/runtime", "models/onnx",
        "models/architectures", "pipeline", "data", "training", "evaluation", "prediction",
        "experiments", "ranking", "weak_labels", "monitoring", "audit", "serving", "feedback",
        "registry", "database", "redaction", "cli", "__init__.py",
    },
    "torch": {
        "nn", "models/storage", "models/pretrained", "models/decoding", "models/runtime",
        "models/onnx", "models/architectures", "pipeline", "training",
    },
    "transformers": {"nn/encoders/transformer.py", "models/pretrained/loading.py"},
    "shared": set(),
}  # fmt: skip
# What commands may import of other packages, and of this one besides the face: each other, and what
# prints tables.
CLI_PACKAGES = {
    "collections", "contextlib", "logging", "pathlib", "re", "spacy", "sys", "traceback", "typer",
    "typing", "wasabi",
}  # fmt: skip
WITHIN_REACH = (
    "cli.",
    "pages.telling.",
    "evaluation.terminal.",
    "evaluation.comparison.comparison_terminal.",
    "evaluation.rule_check.rule_terminal.",
    "audit.terminal.",
    "audit.agreement.agreement_terminal.",
    "redaction.redaction_terminal.",
    "weak_labels.weak_terminal.",
)
# And by name, which a new command should do without.
BEYOND_THE_FACE = {
    "_going_on": {"prediction.journal.Journal"},  # names the folder to go on with
    "_options": {f"pipeline.preparing.{name}" for name in ("import_user_code", "use_gpu")},
    "audit": {
        "support.output_folder.check_output_folder",  # before the data are read
        "data.format_option.parse_option",
    },
    # before files are read, and what a value of --option is
    "agreement": {
        "data.format_option.parse_option",
        "support.output_folder.check_output_folder",
    },
    "compare": {"support.output_folder.check_output_folder"},  # before pipelines run
    # the default that its help shows, and what a value of --option is
    "convert": {"data.formats.columns.AUTO", "data.format_option.parse_option"},
    "evaluate": {"evaluation.evaluate.check_folder"},  # before a pipeline runs for an hour
    "guidelines": {"data.format_option.parse_option"},
    "init_config": {"training.project.encoder_wheel.ENCODER_FOLDER"},  # named in what to do next
    "learning_curve": {"experiments.shares.SHARES"},  # the default that its help shows
    "report": {"evaluation.evaluate.REPORT"},  # the file that it points to
    # Steps of projects are not public, so the face has none: each calls the module that does it.
    "project.check": {f"support.sha256_sums.{name}" for name in ("SUMS_NAME", "verify")},
    "project.code": {
        f"training.project.source_digests.{name}"
        for name in ("COMMANDS", "PACKAGE", "write_source_digests")
    },
    "project.convert": {"data.corpus_folder.convert_corpus"},
    "project.encoder": {"training.project.encoder_wheel.prepare_encoder"},
    "project.smoke": {"training.project.smoke_run.try_package"},
    "project.split": {"data.splitting.parts.write_parts"},
}
STDLIB_AND_NUMPY = ("about", "tags", "records", "metrics", "nesting", "support", "voting")


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


def room_of(module: str) -> str:
    """The room of a file, by its path in the package."""
    return module.partition("/")[0].removesuffix(".py")


def inner_room_of(module: str) -> str | None:
    parts = module.split("/")
    return parts[1].removesuffix(".py") if len(parts) > 2 else None


MODULES = {p.relative_to(ROOT).as_posix(): p for p in sorted(ROOT.rglob("*.py"))}


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
    assert {room_of(name) for name in MODULES} <= set(FLOORS)
    assert {"tags.py", "nn/crf/decoder.py", "models/runtime/tagger_shim.py"} <= set(MODULES)


@pytest.mark.parametrize("room", INNER)
def test_every_module_is_in_an_inner_room(room: str) -> None:
    inner = {inner_room_of(name) for name in MODULES if room_of(name) == room}
    assert inner - {None} <= set(INNER[room])
    loose = [n for n in MODULES if room_of(n) == room and inner_room_of(n) is None]
    assert loose == [f"{room}/__init__.py"]


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_rooms_of_lower_floors_only(name: str) -> None:
    room, inner = room_of(name), inner_room_of(name)
    for imported in module_imports(MODULES[name]):
        package, other, *rest = [*imported.split("."), ""]
        if package != PACKAGE or other not in FLOORS:
            continue
        if other != room:
            assert FLOORS[other] < FLOORS[room] or other in ALSO.get(room, ()), imported
        elif room in INNER and inner is not None and rest[0] != inner:
            floors, also = INNER[room], INNER_ALSO[room].get(inner, ())
            assert floors[rest[0]] < floors[inner] or rest[0] in also, imported


@pytest.mark.parametrize("name", MODULES)
def test_module_uses_what_its_room_may(name: str) -> None:
    tops = {imported.split(".")[0] for imported in module_imports(MODULES[name])}
    for kind, packages in HEAVY.items():
        if not any(name == place or name.startswith(f"{place}/") for place in ALLOWED[kind]):
            assert not tops & packages, kind


@pytest.mark.parametrize("name", [n for n in MODULES if room_of(n) in STDLIB_AND_NUMPY])
def test_module_of_the_ground_floor_needs_numpy_at_most(name: str) -> None:
    tops = {imported.split(".")[0] for imported in module_imports(MODULES[name])}
    assert tops <= {*sys.stdlib_module_names, "numpy", PACKAGE}


def test_nobody_imports_the_command_line() -> None:
    users = {
        name
        for name in MODULES
        if room_of(name) != "cli"
        and any(m.startswith(f"{PACKAGE}.cli") for m in module_imports(MODULES[name]))
    }
    assert not users


@pytest.mark.parametrize("name", [n for n in MODULES if room_of(n) == "cli"])
def test_command_calls_the_face_and_nothing_else(name: str) -> None:
    """Parse, call, print. What only type checkers see is left out."""
    module = f"{PACKAGE}.{name.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")
    packages, beyond = set(), set()
    for full_name in imported_names(module, MODULES[name], PACKAGE):
        package, _, imported = full_name.partition(".")
        if package != PACKAGE:
            packages.add(package)
        elif imported not in spacy_ner_plus._HOMES and not imported.startswith(WITHIN_REACH):
            beyond.add(imported)
    assert packages <= CLI_PACKAGES
    assert beyond == BEYOND_THE_FACE.get(module.removeprefix(f"{PACKAGE}.cli."), set())


def test_files_and_public_classes_have_names_of_their_own() -> None:
    """But for the files of factories' folders, of the command line, and the views of the audit's
    sections, which are called as these.
    """
    places, classes = defaultdict(list), defaultdict(list)
    for name, path in MODULES.items():
        is_factory = name.startswith("pipeline/") and name.count("/") == 2
        if (
            path.name not in ("__init__.py",)
            and room_of(name) != "cli"
            and not name.startswith("audit/terminal/")
            and not (is_factory and (path.parent / "factory.py").exists())
        ):
            places[path.name].append(name)
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(name)
    assert not {name: found for name, found in places.items() if len(found) > 1}
    assert not {name: found for name, found in classes.items() if len(found) > 1}


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after a statement."""
    code = (
        f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return set(output.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import spacy_ner_plus", {"torch", "spacy", "thinc", "transformers", "numpy"}),
        (
            "import spacy_ner_plus.tags, spacy_ner_plus.records, spacy_ner_plus.metrics.spans",
            {"torch", "spacy", "thinc", "transformers"},
        ),
        ("import spacy_ner_plus.nn.crf, spacy_ner_plus.nn.encoders.pooling", {"spacy", "thinc"}),
    ],
)
def test_importing_loads_nothing_heavy(statement: str, absent: set[str]) -> None:
    """All of it, also what the imported modules import."""
    loaded = loaded_after(statement)
    assert PACKAGE in loaded
    assert not loaded & absent
