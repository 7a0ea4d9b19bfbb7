"""What each kind of model reaches: the figures that `model = "auto"` decides by, as data.

TO BE REPLACED by the table that `python benchmarks/models.py` prints with three seeds: measured so
far are the transformer's figures, and F1 of rules and features, with one seed. All else are
estimates, as `source` says. Nothing else in the package holds such figures.
"""

from dataclasses import dataclass

KINDS = ("rules", "features", "bilstm", "transformer")
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
        f1={50: 13.7, 200: 28.8, 1000: 50.4, ALL_SENTENCES: 65.6},
        words_per_second={"cpu": 100_000, "bf16": 100_000, "cuda": 100_000},
        source="F1: benchmarks/models.py; words/s: estimates",
    ),
    "features": Measured(
        f1={50: 38.6, 200: 57.6, 1000: 72.5, ALL_SENTENCES: 82.0},
        words_per_second={"cpu": 40_000, "bf16": 40_000, "cuda": 40_000},
        source="F1: benchmarks/models.py, but for all sentences; words/s: estimates",
    ),
    "bilstm": Measured(
        f1={50: 42.0, 200: 58.0, 1000: 72.0, ALL_SENTENCES: 84.5},
        words_per_second={"cpu": 13_000, "bf16": 13_000, "cuda": 100_000},
        source="estimates",
    ),
    "transformer": Measured(
        f1={50: 53.5, 200: 70.9, 1000: 80.0, ALL_SENTENCES: 86.7},
        words_per_second={"cpu": 2_500, "bf16": 4_200, "cuda": 100_000},
        source="benchmarks/small_data.py, benchmarks/conll2003.py, benchmarks/speed",
    ),
}
# Whose weights the transformer's figures are of: the layers of MiniLM-L6.
MEASURED_WEIGHTS = 12 * 6 * 384**2
