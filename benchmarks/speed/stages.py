"""Where ner_plus's time goes, measured from outside: functions of the package are wrapped.

Each stage gets the time spent in its functions less that in functions of other stages that they
call. Nothing in the package knows of this; a function that has been renamed is an error here, and
tests/test_benchmarks.py sees it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.machine import synchronise
from benchmarks.speed.readers import SpacyPipeline

STAGES = {
    "wordpieces": ["text.wordpieces:WordpieceTokenizer.__call__"],
    "align, windows, packing": ["models.runtime.wordpiece_shim:WordpieceShim.read_docs"],
    "encode": ["nn.encoders.transformer:TransformerEncoder.forward"],
    "pool and head": ["nn.heads.taggers:TransformerTagger.forward"],
    "decode": ["nn.crf.decoder:TagDecoder.decode"],
    "probabilities": ["nn.crf.decoder:TagDecoder.lattice", "nn.crf.lattice:Lattice.span_log_probs"],
    "write to Doc": ["pipeline.annotating:Annotator.write"],
}
TOKENISE = "spaCy tokenizer"
REST = "the rest"
NAMES = (TOKENISE, *STAGES, REST)


class Clock:
    """Time by stage. Threads have stacks of their own, so stages that run at the same time count
    both.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(NAMES, 0.0)
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside for a stage, but for stages inside of that."""
        inner: list[float] = getattr(self._local, "inner", [])
        self._local.inner = inner
        inner.append(0.0)
        synchronise()
        started = time.perf_counter()
        try:
            yield
        finally:
            synchronise()
            seconds = time.perf_counter() - started
            own = seconds - inner.pop()
            if inner:
                inner[-1] += seconds
            with self._lock:
                self.seconds[name] += own

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted for a stage."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return run


def find(path: str) -> tuple[Any, str]:
    """What holds a function, and its name there. RAISES ValueError: If there is none."""
    module, _, qualified = path.partition(":")
    holder: Any = import_module(f"spacy_ner_plus.{module}")
    *classes, name = qualified.split(".")
    for part in classes:
        holder = getattr(holder, part)
    if not callable(getattr(holder, name, None)):
        raise ValueError(f"There is no {path} in spacy_ner_plus: adapt STAGES in {__file__}.")
    return holder, name


@contextmanager
def instrumented(clock: Clock) -> Iterator[None]:
    """Have the package's functions count their time."""
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for stage, paths in STAGES.items():
            for path in paths:
                holder, name = find(path)
                original = getattr(holder, name)
                replaced.append((holder, name, original))
                setattr(holder, name, clock.timed(stage, original))
        yield
    finally:
        for holder, name, original in replaced:
            setattr(holder, name, original)


class ProfiledPipeline(SpacyPipeline):
    """A ner_plus pipeline that can say where its time goes."""

    def __init__(self, path: Path, overrides: dict[str, Any], device: str) -> None:
        super().__init__(path, overrides, device)

    def profile(self, texts: list[str]) -> dict[str, float]:
        """Seconds in each stage of reading some texts, with those of everything else."""
        clock = Clock()
        tokenizer = self.nlp.tokenizer
        self.nlp.tokenizer = clock.timed(TOKENISE, tokenizer)
        started = time.perf_counter()
        try:
            with instrumented(clock):
                self.read(texts)
        finally:
            self.nlp.tokenizer = tokenizer
        clock.seconds[REST] = time.perf_counter() - started - sum(clock.seconds.values())
        return clock.seconds
