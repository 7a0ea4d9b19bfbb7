from collections.abc import Mapping
from pathlib import Path

import pytest

from spacy_ner_plus.training.project.import_closure import import_closure

FILES = {
    "__init__.py": "",
    "py.typed": "",
    "a.py": "",
    "b.py": "import os.path\n",
    "room/__init__.py": "",
    "room/c.py": "",
    "room/page.html": "",
    "room/inner/__init__.py": "",
    "room/inner/d.py": "",
    "room/inner/style/page.css": "",
}
ALWAYS = {"__init__.py", "py.typed"}
ROOM = {"room/__init__.py", "room/page.html"}
INNER = ROOM | {"room/inner/__init__.py", "room/inner/style/page.css"}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    package = folder / "package"
    for name, text in (FILES | files).items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def names(paths: list[Path], package: Path) -> set[str]:
    found = [path.relative_to(package).as_posix() for path in paths]
    assert found == sorted(set(found))
    return set(found)


def closure(folder: Path, root: str, files: Mapping[str, str]) -> set[str]:
    package = write(folder, files)
    return names(import_closure(package, [root]), package)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import package.b", {"b.py"}),
        ("import os, package.room.c as c", ROOM | {"room/c.py"}),
        ("from package.room.c import whatever", ROOM | {"room/c.py"}),
        ("from package import b", {"b.py"}),
        ("from package.room import c, inner", INNER | {"room/c.py"}),
        ("from . import b", {"b.py"}),
        ("from .b import whatever", {"b.py"}),
        ("from .room.inner.d import *", INNER | {"room/inner/d.py"}),
        ("def late():\n    from .b import whatever", {"b.py"}),
        ("try:\n    import torch\nexcept ImportError:\n    from . import b", {"b.py"}),
        ("import b, other.package.b\nfrom other import b", set()),
        ("import typing\nif typing.TYPE_CHECKING:\n    from . import b", set()),
        ("if TYPE_CHECKING:\n    from . import b\nelse:\n    from . import room", ROOM),
    ],
)
def test_closure_follows_imports(tmp_path: Path, source: str, expected: set[str]) -> None:
    assert closure(tmp_path, "package.a", {"a.py": source}) == ALWAYS | {"a.py"} | expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from .. import d", {"room/inner/d.py"}),
        ("from ..d import whatever", {"room/inner/d.py"}),
        ("from ... import c", {"room/c.py"}),
        ("from ....b import whatever", {"b.py"}),
    ],
)
def test_closure_follows_relative_imports_upwards(
    tmp_path: Path, source: str, expected: set[str]
) -> None:
    init = "room/inner/deep/__init__.py"
    whole = ALWAYS | INNER | {init, "room/inner/deep/e.py"} | expected
    files = {init: "", "room/inner/deep/e.py": source}
    assert closure(tmp_path, "package.room.inner.deep.e", files) == whole


def test_closure_follows_what_packages_on_the_way_import(tmp_path: Path) -> None:
    files = {"a.py": "import package.room.c", "room/__init__.py": "from .. import b"}
    assert closure(tmp_path, "package.a", files) == ALWAYS | ROOM | {"a.py", "b.py", "room/c.py"}
    files = {"room/__init__.py": "from .inner import d"}
    whole = ALWAYS | INNER | {"room/c.py", "room/inner/d.py"}
    assert closure(tmp_path / "root", "package.room.c", files) == whole


def test_closure_ends_in_a_cycle(tmp_path: Path) -> None:
    files = {"a.py": "from .b import x", "b.py": "from . import a"}
    assert closure(tmp_path, "package.a", files) == ALWAYS | {"a.py", "b.py"}


@pytest.mark.parametrize("assignment", ["_HOMES = ", "_HOMES: dict[str, str] = "])
@pytest.mark.parametrize(
    "source",
    [
        "from . import convert",
        "from package import convert as run",
        "import package\npackage.convert()",
        "import package.b\nvalue = [package.convert]",
    ],
)
def test_closure_follows_names_of_the_face_home(
    tmp_path: Path, assignment: str, source: str
) -> None:
    face = f"{assignment}{{'convert': 'package.room.c', 'other': 'package.room.inner.d'}}\n"
    found = closure(tmp_path, "package.a", {"a.py": source, "__init__.py": face})
    assert found - {"b.py"} == ALWAYS | ROOM | {"a.py", "room/c.py"}


def test_closure_leaves_out_what_it_is_told_to(tmp_path: Path) -> None:
    package = write(
        tmp_path, {"room/__init__.py": "from . import b", "room/c.py": "from .. import a"}
    )
    found = import_closure(package, ["package.room.c"], without={"package.room"})
    assert names(found, package) == ALWAYS | {"room/c.py", "a.py"}


def test_caches_and_hidden_files_are_no_data(tmp_path: Path) -> None:
    files = {"__pycache__/a.pyc": "", ".a.py.swp": "", "room/.cache/b": "", ".hidden.py": ""}
    assert closure(tmp_path, "package.room", files) == ALWAYS | ROOM


def test_unknown_modules_are_refused(tmp_path: Path) -> None:
    package = write(tmp_path, {"__init__.py": "_HOMES = {'convert': 'package.gone'}"})
    with pytest.raises(ValueError, match=r"has no module package\.nowhere"):
        import_closure(package, ["package.nowhere"])
    (package / "a.py").write_text("from package import convert")
    with pytest.raises(ValueError, match=r"has no module package\.gone"):
        import_closure(package, ["package.a"])
