"""What is done on a GPU, in order of importance: tests, training, the same entities, tables."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

# Of torch and the tokenizers, for each system beside a GPU.
GPU_THREADS = 8
GPU_TESTS = (
    "tests/gpu",
    "tests/nn/crf/test_decoder.py",
    "tests/nn/crf/test_lattice.py",
    "tests/nn/crf/test_distillation.py",
    "tests/training/test_randomness.py",
)


@dataclass(frozen=True)
class Paths:
    """Where things are. work: all that is not wanted afterwards. output: what is."""

    encoder: Path
    data: Path
    work: Path
    output: Path

    @property
    def results(self) -> Path:
        """Each step's figures NAME.json and tables NAME.txt."""
        return self.work / "results"

    @property
    def model(self) -> Path:
        """The pipeline that the step `train` leaves."""
        return self.work / "trained" / "model-best"

    @property
    def moved(self) -> Path:
        """The same after the step `same`, saved on the device, in fp32."""
        return self.work / "moved"


@dataclass(frozen=True)
class Step:
    """A command, and the seconds that it may take."""

    name: str
    limit: float
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Amounts:
    """train_steps: of the pipeline that all others read with. words: of a turn of inference."""

    train_steps: int
    words: int
    score_words: int
    steps: int
    rounds: int
    layers: int
    width: int
    precisions: tuple[str, ...]
    limits: float


FULL = Amounts(240, 60_000, 20_000, 15, 2, 12, 768, ("fp32", "fp16", "bf16"), 1.0)
TINY = Amounts(2, 200, 200, 1, 1, 2, 64, ("fp32", "fp16", "bf16"), 20.0)


def make_steps(paths: Paths, *, device: str, tiny: bool) -> list[Step]:
    """The steps for a device. tiny: The least of each, however long it takes."""
    amounts = TINY if tiny else FULL
    common = ["--device", device, "--work", str(paths.work)]
    train = [
        *common,
        *("--data", str(paths.data), "--encoder", str(paths.encoder)),
        *("--steps", str(amounts.train_steps)),
    ]
    read = [*common, "--data", str(paths.data), "--words", str(amounts.score_words)]
    base = [*common, "--encoder", str(paths.encoder)]
    shape = ["--layers", str(amounts.layers), "--width", str(amounts.width)]
    commands = [
        ("environment", 30, _module("environment", *common)),
        ("tests", 130, _tests(paths)),
        ("train", 75, _module("train", *train)),
        ("same", 40, _module("same_entities", *read, "--precisions", *amounts.precisions)),
        ("tables", 150, _speed(paths, device, amounts, "minilm", str(paths.encoder))),
        ("base", 15, _module("base_encoder", *base, *shape)),
        ("base-tables", 75, _speed(paths, device, amounts, "base", str(paths.work / "base"))),
        ("processes", 45, _processes(paths, amounts)),
        ("crf", 20, _module("crf_places", *common, "--words", str(amounts.words))),
    ]
    tests = {"SPACY_NER_PLUS_TEST_DEVICE": device, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return [
        Step(name, limit * amounts.limits, command, tests if name == "tests" else {})
        for name, limit, command in commands
    ]


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.gpu.{name}", *arguments]


def _tests(paths: Paths) -> list[str]:
    xml = f"--junitxml={paths.output / 'tests.xml'}"
    # each test has its line, for a run that is cut off
    options = ["-m", "gpu", "-v", "--durations=10", "-p", "no:cacheprovider", xml]
    return [sys.executable, "-m", "pytest", *options, *GPU_TESTS]


def _speed(paths: Paths, device: str, amounts: Amounts, name: str, encoder: str) -> list[str]:
    """The benchmark of speed: training; and inference, with the pipeline of the step before."""
    reads = name == "minilm"
    parts = ["training", "inference", "profile"] if reads else ["training"]
    options = {
        "device": device,
        "encoder": encoder,
        "output": paths.work / name,
        "words": amounts.words,
        "steps": amounts.steps,
        "rounds": amounts.rounds,
        "threads": 1 if device == "cpu" else GPU_THREADS,
    }
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    words += ["--precisions", *amounts.precisions, "--parts", *parts]
    words += ["--model", str(paths.model)] if reads else []
    words += ["--quick"] if amounts is TINY else []
    result = str(paths.results / f"speed-{name}")
    return _module("speed_tables", result, str(paths.data), *words)


def _processes(paths: Paths, amounts: Amounts) -> list[str]:
    corpus = paths.work / "corpus" / "test.spacy"
    return [
        sys.executable, "benchmarks/processes.py", str(paths.moved), str(corpus),
        "--methods", "spawn", "--workers", "2", "--words", str(amounts.words), "--rounds", "1",
        "--output", str(paths.results / "processes.json"),
    ]  # fmt: skip
