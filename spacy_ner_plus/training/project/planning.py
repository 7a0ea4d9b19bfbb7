"""The numbers of a training, from facts about data, encoder and device: nobody computes them.

Pure arithmetic. What was measured for it, docs/training.md says.
"""

from dataclasses import dataclass, fields
from math import ceil, floor, log10

PASSES = 4  # over large data
# Casing embeddings, head and CRF start from nothing and learn from steps, however few the data.
LEAST_STEPS = 400
# Beyond, more passes over the same few texts only learn them by heart.
MOST_PASSES = 30
# Words in a batch: larger ones are no faster a word, and give fewer steps.
MOST_WORDS = {"cpu": 1000, "cuda": 2000}
# Smaller batches are slower a word: each step moves all weights, however little it has read.
LEAST_WORDS = 250
# Small data get smaller batches, so that a pass has at least this many steps.
STEPS_A_PASS = 32
# How often training may be evaluated: rarely sees less of the checkpoints, often takes more time.
EVALUATIONS = (10, 8, 5, 4)
# An evaluated word takes a third of the time of a trained one (there is no way back), and
# evaluation is to take no more than a quarter of the time of training.
EVALUATED_WORDS = 3 / 4
WARMUP = 10  # one in so many steps
# Learning rates, by how many weights the layers have at most. MiniLM's have 11 million (6 layers)
# or 21 (12 layers), those of base encoders 43 to 86, of large ones 300.
RATES = ((3e7, 2e-4), (1.5e8, 5e-5), (float("inf"), 2e-5))
# Attention takes time with the square of the window; a GPU has more to spare.
MOST_WINDOW = {"cpu": 256, "cuda": 512}
# Texts to come may be longer than those of today; windows of shorter texts are shorter anyway.
LEAST_WINDOW = 128
WINDOW_STEP = 32
SPECIAL_PIECES = 2
OVERLAP = 16  # enough that no token stands at an edge
# Padded wordpieces whose activations fit into memory beside the weights. If they don't, the
# component halves the number by itself.
MOST_PIECES = {"cpu": 8192, "cuda": 32768}


@dataclass(frozen=True)
class DataFacts:
    """What a plan must know of the data.

    words (int): Tokens of the training data.
    dev_words (int): Tokens of the development data.
    long_document (int): Wordpieces that hardly any document of the training data exceeds.
    is_counted (bool): Whether they were counted with the encoder's tokenizer, else estimated.
    """

    words: int
    dev_words: int
    long_document: int
    is_counted: bool


@dataclass(frozen=True)
class EncoderFacts:
    """What a plan must know of the encoder.

    max_pieces (Optional[int]): Its longest input, special tokens included; None for any length.
    width, n_layers (int): Length of its vectors, number of its layers.
    lowercases (bool): Whether its tokenizer loses capitals.
    """

    max_pieces: int | None
    width: int
    n_layers: int
    lowercases: bool

    @property
    def layer_weights(self) -> int:
        """About how many weights a word goes through.

        They are 4 times the width squared in attention and 8 times in the feed-forward part of each
        layer. Not those of the vocabulary, which may be most of them and say nothing of the layers.
        """
        return 12 * self.n_layers * self.width**2


@dataclass(frozen=True)
class DeviceFacts:
    """What a plan must know of the device.

    kind (str): "cpu" or "cuda".
    has_bf16 (bool): Whether it multiplies in bf16.
    """

    kind: str
    has_bf16: bool

    def __str__(self) -> str:
        return {"cpu": "CPU", "cuda": "GPU"}[self.kind]


@dataclass(frozen=True)
class Choice:
    """A value of the config, and why it is this one."""

    value: int | float | str
    why: str

    def __str__(self) -> str:
        if isinstance(self.value, float):  # 0.00002, not 2e-05
            return f"{self.value:.7f}".rstrip("0")
        return str(self.value)


@dataclass(frozen=True)
class TrainingPlan:
    """The settings of a config that depend on data, encoder and device.

    about (str): What they were made for.
    """

    about: str
    word_forms: Choice
    window: Choice
    overlap: Choice
    precision: Choice
    max_batch_pieces: Choice
    batch_words: Choice
    max_steps: Choice
    eval_frequency: Choice
    warmup_steps: Choice
    initial_rate: Choice

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, value and reason of each, for a table."""
        choices = {field.name: getattr(self, field.name) for field in fields(self)}
        del choices["about"]
        return [(name, str(choice), choice.why) for name, choice in choices.items()]


def make_plan(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> TrainingPlan:
    """Plan a training.

    RETURNS (TrainingPlan): Its max_steps is a multiple of its eval_frequency, so that the last step
        is evaluated.
    """
    window = _plan_window(data, encoder, device)
    batch_words = _plan_batch(data, device)
    max_steps, eval_frequency = _plan_steps(data, int(batch_words.value))
    return TrainingPlan(
        about=(
            f"For {data.words:,} words of training data, an encoder of {encoder.n_layers} layers "
            f"of width {encoder.width}, and a {device}"
        ),
        word_forms=_plan_word_forms(encoder),
        window=window,
        overlap=Choice(min(OVERLAP, int(window.value) // 8), "No token stands at a window's edge"),
        precision=_plan_precision(device),
        max_batch_pieces=Choice(
            MOST_PIECES[device.kind], "Halved by itself where memory does not hold so many"
        ),
        batch_words=batch_words,
        max_steps=max_steps,
        eval_frequency=eval_frequency,
        warmup_steps=Choice(ceil(int(max_steps.value) / WARMUP), "A tenth of max_steps"),
        initial_rate=_plan_rate(encoder),
    )


def _plan_word_forms(encoder: EncoderFacts) -> Choice:
    if encoder.lowercases:
        return Choice("auto", "Casing embeddings, as the encoder's tokenizer loses capitals")
    return Choice("auto", "No casing embeddings, as the encoder sees capitals itself")


def _plan_window(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> Choice:
    """As long as documents need, if encoder and device permit."""
    needed = max(LEAST_WINDOW, round_up(data.long_document + SPECIAL_PIECES, WINDOW_STEP))
    most = MOST_WINDOW[device.kind]
    limit = encoder.max_pieces or most
    if limit < min(needed, most):
        return Choice(limit, "Wordpieces: the encoder reads no more at once")
    if most < needed:
        return Choice(
            most,
            f"Wordpieces: longer windows are slow on a {device}, and longer documents take several",
        )
    estimated = "" if data.is_counted else "an estimated "
    return Choice(
        needed,
        f"Wordpieces: hardly a document has more than {estimated}{data.long_document:,}",
    )


def _plan_precision(device: DeviceFacts) -> Choice:
    here = "bf16" if device.has_bf16 else "not bf16, which would be slow"
    return Choice("auto", f"What the device is fast in; here {here}")


def _plan_batch(data: DataFacts, device: DeviceFacts) -> Choice:
    most = MOST_WORDS[device.kind]
    wanted = data.words // STEPS_A_PASS // 50 * 50
    if wanted >= most:
        return Choice(most, "Words in a batch: larger ones are hardly faster")
    if wanted <= LEAST_WORDS:
        return Choice(LEAST_WORDS, "Words in a batch: smaller ones are slow")
    return Choice(wanted, f"Words in a batch: few enough for {STEPS_A_PASS} steps a pass")


def _plan_steps(data: DataFacts, batch_words: int) -> tuple[Choice, Choice]:
    """How many steps in all, and from one evaluation to the next."""
    pass_steps = ceil(data.words / batch_words)
    wanted = max(PASSES * pass_steps, min(LEAST_STEPS, MOST_PASSES * pass_steps))
    least = max(pass_steps, ceil(data.dev_words / EVALUATED_WORDS / batch_words))
    n_evaluations = next((n for n in EVALUATIONS if wanted / n >= least), EVALUATIONS[-1])
    frequency = round_up_digits(ceil(wanted / n_evaluations))
    max_steps = n_evaluations * frequency
    why = f"{max_steps / pass_steps:.0f} passes over {data.words:,} words"
    if wanted == LEAST_STEPS:
        why += f": fewer than {LEAST_STEPS} steps would teach too little"
    elif wanted < LEAST_STEPS:
        why += ": more would only learn these few by heart"
    often = "Once a pass" if frequency < 1.1 * pass_steps else f"{n_evaluations} times in all"
    return Choice(max_steps, why), Choice(frequency, often)


def _plan_rate(encoder: EncoderFacts) -> Choice:
    weights = encoder.layer_weights
    rate = next(rate for most, rate in RATES if weights <= most)
    return Choice(
        rate,
        f"For {weights / 1e6:,.0f} million weights in the layers: the more, the lower",
    )


def round_up(number: int, step: int) -> int:
    """The next multiple of step."""
    return -(-number // step) * step


def round_up_digits(number: int) -> int:
    """The next number of which all but the first two digits are zero: 119 -> 120."""
    return round_up(number, 10 ** max(0, floor(log10(number)) - 1))
