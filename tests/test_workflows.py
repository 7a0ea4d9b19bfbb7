"""The public CI: what may run in it, with which rights, and what a release checks."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import srsly

from tests.wheel import EXTRAS

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(name: str) -> dict[str, Any]:
    return srsly.read_yaml(ROOT / ".github" / "workflows" / f"{name}.yml")


def check_release(folder: Path, *, tag: str) -> subprocess.CompletedProcess[str]:
    """Run what a release runs before anything is built."""
    script = read("release")["jobs"]["check"]["steps"][-1]["run"]
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "GITHUB_REF_NAME": tag},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_to_commits_of_named_versions(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf8"))
    assert used
    assert not [use for use in used if not (use.startswith("./") or PINNED.fullmatch(use))]


def test_an_action_has_one_commit_in_all_workflows() -> None:
    texts = [path.read_text(encoding="utf8") for path in WORKFLOWS]
    used = {use for text in texts for use in re.findall(r"uses: (\w.+)", text)}
    assert len(used) == len({use.partition("@")[0] for use in used})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_only_the_job_that_publishes_may_write(path: Path) -> None:
    workflow = read(path.stem)
    assert workflow["permissions"] == {"contents": "read"}
    rights = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    assert {name: right for name, right in rights.items() if right} == (
        {"publish": {"id-token": "write"}} if path.stem == "release" else {}
    )


def test_what_is_published_was_checked_and_tested() -> None:
    release, wheel = read("release")["jobs"], read("wheel")["jobs"]
    assert release["publish"]["needs"] == "wheel"
    assert release["wheel"] == {"needs": "check", "uses": "./.github/workflows/wheel.yml"}
    assert wheel["test"]["needs"] == "build"


def test_wheel_is_tested_with_the_same_extras_everywhere() -> None:
    text = (ROOT / ".github/workflows/wheel.yml").read_text(encoding="utf8")
    assert re.findall(r"\.whl\)\[(.+)\]", text) == [EXTRAS]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("tag", "heading", "complaint"),
    [
        ("v1.2.0", "## [1.2.0] - 2030-01-31", ""),
        ("v1.2.1", "## [1.2.1] - 2030-01-31", "The tag is v1.2.1"),
        ("1.2.0", "## [1.2.0] - 2030-01-31", "The tag is 1.2.0"),
        ("v1.2.0", "## [Unreleased]", "CHANGELOG.md has no heading '## [1.2.0] - DATE'"),
    ],
)
def test_a_release_needs_its_version_and_its_heading(
    tag: str, heading: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = x\nversion = 1.2.0\n", encoding="utf8")
    (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n{heading}\n", encoding="utf8")
    checked = check_release(tmp_path, tag=tag)
    assert checked.returncode == bool(complaint)
    assert complaint in checked.stderr
