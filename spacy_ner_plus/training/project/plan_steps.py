"""How many words a batch has, and how many steps a training: from the words that there are."""

from dataclasses import dataclass
from math import ceil, floor, log10

from .planned import Choice

# Smaller batches are slower a word: each step moves all weights, however little it has read.
LEAST_WORDS = 250
# Small data get smaller batches, so that a pass has at least this many steps.
STEPS_A_PASS = 32
# How often training may be evaluated: rarely sees less of the checkpoints, often takes more time.
EVALUATIONS = (10, 8, 5, 4)
# An evaluated word takes a third of the time of a trained one (there is no way back), and
# evaluation is to take no more than a quarter of the time of training.
EVALUATED_WORDS = 3 / 4


@dataclass(frozen=True)
class Passes:
    """How often a kind of model reads its training data.

    usual (int): Over large data.
    least_steps (int): What starts from nothing learns from steps, however few the data.
    most (int): Beyond, more passes over the same few texts only learn them by heart.
    """

    usual: int
    least_steps: int
    most: int


def plan_batch(words: int, most: int) -> Choice:
    """Words in a batch.

    words (int): Those of the training data.
    most (int): Of large data.
    """
    wanted = words // STEPS_A_PASS // 50 * 50
    if wanted >= most:
        return Choice(most, "Words in a batch: larger ones are hardly faster")
    if wanted <= LEAST_WORDS:
        return Choice(LEAST_WORDS, "Words in a batch: smaller ones are slow")
    return Choice(wanted, f"Words in a batch: few enough for {STEPS_A_PASS} steps a pass")


def plan_steps(
    words: int, dev_words: int, batch_words: int, passes: Passes
) -> tuple[Choice, Choice]:
    """How many steps in all, and from one evaluation to the next, which divides it.

    words, dev_words (int): Those of the training and of the development data.
    """
    pass_steps = ceil(words / batch_words)
    wanted = max(passes.usual * pass_steps, min(passes.least_steps, passes.most * pass_steps))
    least = max(pass_steps, ceil(dev_words / EVALUATED_WORDS / batch_words))
    n_evaluations = next((n for n in EVALUATIONS if wanted / n >= least), EVALUATIONS[-1])
    frequency = round_up_digits(ceil(wanted / n_evaluations))
    max_steps = n_evaluations * frequency
    why = f"{max_steps / pass_steps:.0f} passes over {words:,} words"
    if wanted == passes.least_steps:
        why += f": fewer than {passes.least_steps} steps would teach too little"
    elif wanted < passes.least_steps:
        why += ": more would only learn these few by heart"
    often = "Once a pass" if frequency < 1.1 * pass_steps else f"{n_evaluations} times in all"
    return Choice(max_steps, why), Choice(frequency, often)


def round_up(number: int, step: int) -> int:
    """The next multiple of step."""
    return -(-number // step) * step


def round_up_digits(number: int) -> int:
    """The next number of which all but the first two digits are zero: 119 -> 120."""
    return round_up(number, 10 ** max(0, floor(log10(number)) - 1))
