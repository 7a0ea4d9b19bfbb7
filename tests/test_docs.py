"""The documentation: its navigation, its links, and the site that is built of it.

test_shown_*.py look at the commands and the code that it shows.
"""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import srsly

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES]
CODE = re.compile(r"^( *)```.*?^\1```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NEEDS_MKDOCS = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="needs mkdocs: pip install '.[docs]'"
)


def navigation(part: Any) -> Iterator[str]:
    """The pages that a part of the navigation names."""
    if isinstance(part, str):
        yield part
        return
    for entry in part.values() if isinstance(part, dict) else part:
        yield from navigation(entry)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, on the repository's page and in the site."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf8"), flags=re.M | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(text: Path) -> list[str]:
    """The relative links of a text."""
    found = LINK.findall(CODE.sub("", text.read_text(encoding="utf8")))
    return [link for link in found if "://" not in link]


def load_extension() -> ModuleType:
    """The module that makes Markdown of docstrings, which is in no package."""
    pytest.importorskip("griffe")
    path = ROOT / "docs" / "site" / "docstrings.py"
    spec = importlib.util.spec_from_file_location("docstrings", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_navigation_has_every_page_once() -> None:
    settings = srsly.read_yaml(ROOT / ".mkdocs.yml")
    assert sorted(navigation(settings["nav"])) == [page.name for page in PAGES]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_links_lead_somewhere(text: Path) -> None:
    for link in links(text):
        file, _, anchor = link.partition("#")
        target = (text.parent / file).resolve() if file else text
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_links_are_found() -> None:
    assert "docs/training.md" in links(ROOT / "README.md")
    assert "evaluation.md#the-report" in links(ROOT / "docs" / "calibration.md")


@pytest.mark.slow
@NEEDS_MKDOCS
def test_site_builds_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    # Not --quiet: warnings that are not printed are not counted by --strict.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    command += ["--config-file", str(ROOT / ".mkdocs.yml"), "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    for page in PAGES:
        html = (tmp_path / f"{page.stem}.html").read_text(encoding="utf8")
        assert not re.findall(r"<(?:link|script|img|iframe)\b[^>]*[\"'=](?:https?:)?//", html)


@pytest.mark.parametrize(
    ("docstring", "markdown"),
    [
        ("Do it.\n\nn (int): Times.\n    Many.", "Do it.\n\n- **n** `int`: Times.\n    Many."),
        ("n, m: Times.\nRETURNS (str): It.", "- **n, m**: Times.\n- **Returns** `str`: It."),
        ("RAISES ValueError: If so.", "- **Raises** `ValueError`: If so."),
        ("Do it.\nn (int): Times.", "Do it.\n\n- **n** `int`: Times."),
        ("What it\nis: a thing.", "What it\nis: a thing."),
        ("Sets doc._.a and `doc._.b`.", r"Sets doc.\_.a and `doc._.b`."),
        (">>> a_b\n1", "```pycon\n>>> a_b\n1\n```"),
    ],
)
def test_docstrings_in_spacys_form_become_markdown(docstring: str, markdown: str) -> None:
    assert load_extension().to_markdown(docstring, {"n", "m"}) == markdown
