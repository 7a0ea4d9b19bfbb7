"""The fast tests against the installed wheel, with the source out of reach: `make test-wheel`.

    python tests/wheel.py

It needs git, and an environment with pip, `build` and `setuptools`. Packages that are installed in
that are used again; what is missing comes from the package index, as constraints.txt pins it.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PACKAGE = "spacy_ner_plus"
EXTRAS = "shared,export,evaluate,parquet,serve,split,uima,test"


def main() -> int:
    """RETURNS (int): The exit status of the tests."""
    with TemporaryDirectory(prefix="wheel-", ignore_cleanup_errors=True) as temp:
        folder = Path(temp).resolve()
        wheel = build_wheel(folder / "dist")
        python = make_environment(folder / "environment", wheel)
        tests = folder / "tests"
        copy_tests(tests)
        check_package(python, folder / "environment", tests)
        command = [python, "-m", "pytest", "-m", "not slow", "-n", "auto", "--dist", "loadfile"]
        return subprocess.run(command, cwd=tests, env=variables(), check=False).returncode


def build_wheel(folder: Path) -> Path:
    """Build the source distribution, and the wheel from nothing else.

    folder (Path): Where both are written.
    RETURNS (Path): The wheel.
    """
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT])
    [wheel] = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel, on top of the packages of this one.

    A .pth file makes these packages visible, but .pth files among them have no effect: an editable
    installation of our own package is out of reach.

    folder (Path): Where the environment is made.
    wheel (Path): The wheel to install, with EXTRAS.
    RETURNS (Path): The environment's Python.
    """
    venv.create(folder)
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    python = shutil.which("python", path=paths["scripts"])
    assert python is not None
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    install += ["--disable-pip-version-check", "--constraint", ROOT / "constraints.txt"]
    run([*install, "--no-deps", wheel])
    below = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    Path(paths["purelib"], "below.pth").write_text("\n".join(below), encoding="utf8")
    run([*install, f"{PACKAGE}[{EXTRAS}]"])
    return Path(python)


def copy_tests(folder: Path) -> None:
    """Copy the repository without the package: tests read its texts, configs and data."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    for name in map(os.fsdecode, filter(None, names.split(b"\0"))):
        source, target = ROOT / name, folder / name
        if source.is_file() and Path(name).parts[0] != PACKAGE:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def check_package(python: Path, environment: Path, folder: Path) -> None:
    """Check which package the tests will import. RAISES SystemExit: It is another one."""
    code = f"import {PACKAGE}; print({PACKAGE}.__file__)"
    found = subprocess.run(
        [python, "-c", code],
        cwd=folder,
        env=variables(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(found).resolve().is_relative_to(environment):
        sys.exit(f"The tests would import {found}, not the package in {environment}.")
    print(f"Testing {found}", flush=True)


def variables() -> dict[str, str]:
    """The environment variables without those that lead to other packages."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def run(command: Iterable[str | Path]) -> None:
    """Run a command. RAISES CalledProcessError: It failed."""
    subprocess.run(list(command), env=variables(), check=True)


if __name__ == "__main__":
    sys.exit(main())
