"""What each kind of model reaches: the figures that `model = "auto"` decides by, as data.

They are those of docs/choosing.md, with three seeds but for all sentences; what is not measured is
an estimate, as `source` says. Nothing else in the package holds such figures.
"""

from dataclasses import dataclass

KINDS = ("rules", "features", "bilstm", "transformer")
FLAT = ("rules", "features")  # those that find no entities within others
AUTO = "auto"
MODELS = (AUTO, *KINDS)

# No figures: fewer teach no model what it does not see, and somebody who has read them can write
# down what there is to find.
FEWEST_SENTENCES = 20
# A difference of F1 that chance makes from seed to seed: within it the faster model is taken.
TIE = 1.0


@dataclass(frozen=True)
class Measured:
    """What a kind of model was measured to reach.

    f1 (Dict[int, float]): By annotated sentences: the mean of CoNLL-2003's and BC5CDR's test sets,
        in percent.
    words_per_second (Dict[str, float]): From text to entities: a core of a "cpu", one of a CPU with
        "bf16", a whole "cuda" device.
    source (str): The benchmark.
    """

    f1: dict[int, float]
    words_per_second: dict[str, float]
    source: str


ALL_SENTENCES = 10_000  # 14,041 and 4,560
MEASURED = {
    "rules": Measured(
        f1={50: 12.5, 200: 28.8, 1000: 50.2, ALL_SENTENCES: 65.6},
        words_per_second={"cpu": 250_000, "bf16": 250_000, "cuda": 250_000},
        source="benchmarks/models.py",
    ),
    "features": Measured(
        f1={50: 37.8, 200: 57.0, 1000: 72.5, ALL_SENTENCES: 82.6},
        words_per_second={"cpu": 110_000, "bf16": 110_000, "cuda": 110_000},
        source="benchmarks/models.py",
    ),
    "bilstm": Measured(
        f1={50: 50.5, 200: 68.4, 1000: 79.0, ALL_SENTENCES: 86.1},
        words_per_second={"cpu": 13_000, "bf16": 31_000, "cuda": 100_000},
        source="GloVe of 50 numbers, benchmarks/models.py; without bf16: an estimate",
    ),
    "transformer": Measured(
        f1={50: 54.5, 200: 72.2, 1000: 81.1, ALL_SENTENCES: 86.9},
        words_per_second={"cpu": 2_500, "bf16": 10_000, "cuda": 100_000},
        source="benchmarks/models.py; without bf16: benchmarks/speed",
    ),
}
# Whose weights the transformer's figures are of: the layers of MiniLM-L6.
MEASURED_WEIGHTS = 12 * 6 * 384**2
