"""A packaged pipeline as a new user has it: in a clean environment, without network."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ...pages.telling import say

OWN_PACKAGE = "spacy_ner_plus"
TRIAL_SCRIPT = Path(__file__).with_name("smoke_trial.py")
# Settings of this environment that must not reach the clean one: where Python looks for packages,
# and whether the Hugging Face libraries may use the network (the pipeline must not need telling).
DROPPED_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
DROPPED_PREFIXES = ("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "SPACY_")


def try_package(
    folder: Path, *, sentences: Path, output: Path, constraints: Path | None = None
) -> None:
    """Install a packaged pipeline where nothing else is, and use it there without network.

    Prints what it does, and the entities that the pipeline finds.

    folder (Path): Holds the wheels of the pipeline and of spacy_ner_plus.
    sentences (Path): Text file with one sentence a line.
    output (Path): HTML file to write, displaCy's page of the sentences. Its folder is made.
    constraints (Optional[Path]): Exact versions to install, in pip's format.
    RAISES (ValueError): If a file is missing, the installation fails, or the pipeline does not load
        or finds no entity.
    """
    own, pipeline = find_wheels(folder)
    for path in (sentences, constraints):
        if path is not None and not path.is_file():
            raise ValueError(f"There is no file {path}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="smoke-") as temp:
        say.info(f"Installing {pipeline.name} and {own.name} in a clean environment")
        python = create_environment(Path(temp), [own, pipeline], constraints=constraints)
        package = pipeline.name.split("-")[0]
        arguments = [package, str(sentences.resolve()), str(output.resolve())]
        run([str(python), "-I", str(TRIAL_SCRIPT), *arguments], cwd=Path(temp))


def find_wheels(folder: Path) -> tuple[Path, Path]:
    """Find the wheel of spacy_ner_plus and the wheel of the pipeline.

    folder (Path): Folder that holds exactly these two wheels, and maybe other files.
    RETURNS (Tuple[Path, Path]): Our wheel and the pipeline's.
    RAISES (ValueError): If one of them is missing or there are several.
    """
    wheels = sorted(folder.glob("*.whl"))
    own = [wheel for wheel in wheels if wheel.name.startswith(f"{OWN_PACKAGE}-")]
    pipelines = [wheel for wheel in wheels if wheel not in own]
    if len(own) != 1 or len(pipelines) != 1:
        raise ValueError(
            f"{folder} must hold one wheel of {OWN_PACKAGE} and one of a pipeline, but holds "
            f"{', '.join(wheel.name for wheel in wheels) or 'no wheels'}. Write them with: "
            "python -m spacy project run all"
        )
    return own[0], pipelines[0]


def create_environment(folder: Path, wheels: list[Path], *, constraints: Path | None) -> Path:
    """Create a virtual environment that knows nothing of this one, with the wheels installed.

    folder (Path): Empty folder to create it in.
    wheels (List[Path]): Wheels to install; what they require comes from the package index.
    constraints (Optional[Path]): Exact versions of these requirements.
    RETURNS (Path): The environment's Python.
    """
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], cwd=folder)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # this environment's pip, for the other one: it is faster than to install pip there, too
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile"]
    command += ["-qq", "--disable-pip-version-check"]
    if constraints is not None:
        command += ["--constraint", str(constraints.resolve())]
    run([*command, *(str(wheel.resolve()) for wheel in wheels)], cwd=folder)
    return python


def run(command: list[str], *, cwd: Path) -> None:
    """Run a command in a clean environment. RAISES (ValueError): It failed."""
    sys.stdout.flush()  # in a pipe, what is printed so far would come after the command's lines
    result = subprocess.run(command, cwd=cwd, env=clean_variables(), check=False)
    if result.returncode != 0:
        raise ValueError(
            f"The smoke test failed: exit status {result.returncode} of {' '.join(command)}"
        )


def clean_variables() -> dict[str, str]:
    """The environment variables without those that would help or hinder the clean environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in DROPPED_VARIABLES and not name.startswith(DROPPED_PREFIXES)
    }
    return {**kept, "PYTHONNOUSERSITE": "1"}
