"""Python commands in copies of this process: importing torch and spaCy takes longer than they do.

    python(["benchmarks/crf.py", "--rounds", "1"], cwd=folder)

is `python benchmarks/crf.py --rounds 1`, and `python -m ...` likewise. What such a command starts
in its turn, by subprocess or multiprocessing, is a copy too, but for those in ORIGINALS.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, TextIO

FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None
LIMIT = 400  # seconds: many times what any takes
# When the parent has used torch, a backward pass of a copy takes many times as long. The others
# have no use for what we have imported.
ORIGINALS = ("-m spacy train ", "-m pip ", "-m build ")
PARALLEL = b"TOKENIZERS_PARALLELISM"
Popen, putenv = subprocess.Popen, os.putenv


def python(
    arguments: list[str], *, cwd: Path, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a Python script or module. RETURNS (Tuple[int, str]): Exit status, all it printed."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = Forked([sys.executable, *arguments], cwd=cwd, env=env, text=True, **streams)
    printed = process.communicate()[0]
    return process.returncode, printed


class Forked:
    """What subprocess.Popen is, as far as our benchmarks and commands use it.

    Output goes to a file, and errors with it or where those of the parent go. What is not Python
    or is better not a copy is started as usual.
    """

    def __new__(cls, args: list[Any], **settings: Any) -> Any:
        is_python = args[0] == sys.executable and (args[1] == "-m" or args[1].endswith(".py"))
        is_original = not is_python or " ".join(args[1:]).startswith(ORIGINALS) or FORK is None
        return Popen(args, **settings) if is_original else super().__new__(cls)

    def __init__(
        self,
        args: list[str],
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdout: Any = None,
        stderr: Any = None,
        text: bool = False,
        encoding: str | None = None,
    ) -> None:
        self.args = args
        self._text = text or encoding is not None
        is_open = hasattr(stdout, "fileno")
        self._output = stdout if is_open else tempfile.TemporaryFile()  # noqa: SIM115
        environment = {**(env or os.environ), "COLUMNS": "200"}
        outputs = [1] * (stdout is not None) + [2] * (stderr is not None)
        target = (args[1:], cwd or Path.cwd(), environment, dict.fromkeys(outputs, self._output))
        self._process = FORK.Process(target=_be_python, args=target)
        self._process.start()
        self.pid = self._process.pid

    def __class_getitem__(cls, item: Any) -> Any:
        return cls  # type hints say Popen[bytes]

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.wait()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(LIMIT)
        if self.returncode is None:
            self._process.kill()
            raise TimeoutError(f"{' '.join(self.args)} takes more than {LIMIT} seconds.")
        return self.returncode

    def communicate(self, *_: object, **__: object) -> tuple[Any, Any]:
        self.wait()
        self._output.seek(0)
        printed = self._output.read()
        return (printed.decode(), "") if self._text else (printed, b"")

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Spawning:
    """multiprocessing's context "spawn", by fork. A copy closes the pipes of those before it, that
    they may see the end of theirs.
    """

    def __init__(self) -> None:
        self._ends: list[Any] = []

    def Pipe(self) -> Any:  # noqa: N802
        ours, theirs = FORK.Pipe()
        self._ends.append(ours)
        return ours, theirs

    def Process(self, target: Any, args: tuple[Any, ...], **settings: Any) -> Any:  # noqa: N802
        def alone() -> None:
            for end in self._ends:
                end.close()
            target(*args)

        return FORK.Process(target=alone, **settings)


def _be_python(
    words: list[str], cwd: Path, environment: dict[str, str], outputs: dict[int, IO[bytes]]
) -> None:
    """Become what `python WORDS` starts."""
    gc.freeze()  # to look through the parent's objects for garbage would copy its memory
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    os.putenv = _put
    putenv(PARALLEL, b"false")
    for stream, file in outputs.items():
        os.dup2(file.fileno(), stream)
    sys.stdout, sys.stderr = map(_open, (1, 2))
    subprocess.Popen = Forked
    spawning = Spawning()
    multiprocessing.get_context = lambda *_: spawning
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, os.fspath(cwd))
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, os.fspath(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")


def _put(name: bytes, value: bytes) -> None:
    """Set a variable, but for that of tokenizers: a copy would wait for threads that it has not."""
    if name != PARALLEL:
        putenv(name, value)


def _open(stream: int) -> TextIO:
    """Not to be closed with the object: the stream of the copy is that of the next copy, too."""
    return open(stream, "w", buffering=1, encoding="utf8", closefd=False)
