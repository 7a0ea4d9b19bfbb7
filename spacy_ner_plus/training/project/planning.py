"""The numbers of a training, from facts about data, encoder and device: nobody computes them.

Pure arithmetic. What was measured for it, docs/training.md says.
"""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from .plan_steps import Passes, plan_batch, plan_steps, round_up
from .planned import Choice, ModelPlan

# Casing embeddings, head and CRF start from nothing.
PASSES = Passes(usual=4, least_steps=400, most=30)
# Words in a batch: larger ones are no faster a word, and give fewer steps.
MOST_WORDS = {"cpu": 1000, "cuda": 2000}
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
    cores (int): Those of the CPU that a process may use.
    """

    kind: str
    has_bf16: bool
    cores: int = 1

    def __str__(self) -> str:
        return {"cpu": "CPU", "cuda": "GPU"}[self.kind]


@dataclass(frozen=True)
class TrainingPlan(ModelPlan):
    """The settings of a transformer's config that depend on data, encoder and device."""

    kind: ClassVar[str] = "transformer"

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


def make_plan(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> TrainingPlan:
    """ModelPlan a training.

    RETURNS (TrainingPlan): Its max_steps is a multiple of its eval_frequency, so that the last step
        is evaluated.
    """
    window = _plan_window(data, encoder, device)
    batch_words = plan_batch(data.words, MOST_WORDS[device.kind])
    max_steps, eval_frequency = plan_steps(
        data.words, data.dev_words, int(batch_words.value), PASSES
    )
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


def _plan_rate(encoder: EncoderFacts) -> Choice:
    weights = encoder.layer_weights
    rate = next(rate for most, rate in RATES if weights <= most)
    return Choice(
        rate,
        f"For {weights / 1e6:,.0f} million weights in the layers: the more, the lower",
    )
