"""Which kind of model suits an amount of data, a machine and a speed; and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from .model_table import (
    AUTO,
    FEWEST_SENTENCES,
    FLAT,
    KINDS,
    MEASURED,
    MEASURED_WEIGHTS,
    MODELS,
    TIE,
    Measured,
)
from .planning import DeviceFacts, EncoderFacts


@dataclass(frozen=True)
class ModelWishes:
    """What is asked of a model.

    kind (str): One of MODELS.
    words_per_second (Optional[float]): Words of text to be read each second; None for any speed.
    has_encoder (bool): An encoder is named, so a transformer is wanted.
    has_vectors (bool): There are word vectors, without which a BiLSTM has little to go by.
    lang (str): The language: the default encoder reads English only.
    spans_key (Optional[str]): Entities overlap and are in doc.spans[spans_key]; None for flat ones.
    """

    kind: str
    words_per_second: float | None = None
    has_encoder: bool = False
    has_vectors: bool = False
    lang: str = "en"
    spans_key: str | None = None

    def check(self) -> None:
        """RAISES ValueError: For wishes that can't be."""
        if self.kind not in MODELS:
            raise ValueError(f"--model {self.kind} is unknown: use one of {', '.join(MODELS)}.")
        if self.words_per_second is not None and not self.words_per_second > 0:
            raise ValueError(f"--words-per-second {self.words_per_second:g} must be above 0.")
        if self.words_per_second is not None and self.kind != AUTO:
            raise ValueError(
                f"--words-per-second says which model is fast enough, and --model {self.kind} "
                "says which to take: leave out one of them."
            )
        if self.spans_key is not None and self.kind in FLAT:
            raise ValueError(
                f"--model {self.kind} finds no entities within others: take --model transformer or "
                "bilstm; or --flat, for the outermost ones alone."
            )
        for has, option, kind in (
            (self.has_encoder, "--encoder", "transformer"),
            (self.has_vectors, "--vectors", "bilstm"),
        ):
            if has and self.kind not in (AUTO, kind):
                raise ValueError(
                    f"--model {self.kind} has no use for {option}: leave it out, or take --model "
                    f"{kind}."
                )


@dataclass(frozen=True)
class ModelChoice:
    """A kind of model, and why it is this one.

    kind (str): One of KINDS.
    why (str): A sentence, without its full stop; empty if there was no choice.
    """

    kind: str
    why: str = ""


def choose_model(
    wishes: ModelWishes, n_sentences: int, encoder: EncoderFacts, device: DeviceFacts
) -> ModelChoice:
    """Take the model of the best expected F1 of those that are fast enough.

    n_sentences (int): Annotated ones, to learn from.
    encoder (EncoderFacts): What a transformer would have.
    RETURNS (ModelChoice): Of those that are about as good, the fastest. If none is fast enough,
        the fastest.
    RAISES ValueError: See ModelWishes.check; or there is none for entities that overlap.
    """
    wishes.check()
    if wishes.kind != AUTO:
        return ModelChoice(wishes.kind)
    if wishes.has_encoder:
        return ModelChoice("transformer", "An encoder was named, and a transformer has one")
    if n_sentences < FEWEST_SENTENCES and "rules" not in _left_out(wishes):
        return ModelChoice(
            "rules",
            f"{n_sentences:,} annotated sentences teach no model what it has not seen; with "
            f"{FEWEST_SENTENCES} or more it is another matter",
        )
    candidates = [
        _Candidate.make(kind, n_sentences, encoder, device)
        for kind in KINDS
        if kind not in _left_out(wishes)
    ]
    if not candidates:
        reasons = [f"{kind} ({why})" for kind, why in _left_out(wishes).items()]
        raise ValueError(f"No kind of model can be chosen: not {', not '.join(reasons)}.")
    wanted = wishes.words_per_second or 0.0
    fast = [one for one in candidates if one.words_per_second >= wanted]
    if not fast:
        fastest = max(candidates, key=lambda one: one.words_per_second)
        return ModelChoice(
            fastest.kind,
            f"None reads {wanted:,.0f} words/s here; of all, {fastest} comes nearest",
        )
    best = max(one.f1 for one in fast)
    as_good = [one for one in fast if one.f1 >= best - TIE]
    chosen = max(as_good, key=lambda one: one.words_per_second)
    return ModelChoice(chosen.kind, _reason(chosen, candidates, fast, n_sentences, wishes))


@dataclass(frozen=True)
class _Candidate:
    """A kind of model, with its expected F1 in percent, and its words/s on the device."""

    kind: str
    f1: float
    words_per_second: float

    @classmethod
    def make(
        cls, kind: str, n_sentences: int, encoder: EncoderFacts, device: DeviceFacts
    ) -> "_Candidate":
        measured = MEASURED[kind]
        speed = words_per_second(measured, device)
        if kind == "transformer":  # an encoder's time is that of its layers' weights
            speed *= MEASURED_WEIGHTS / encoder.layer_weights
        return cls(kind, expected_f1(measured.f1, n_sentences), speed)

    def __str__(self) -> str:
        return f"{self.kind} (about {self.f1:.0f} F1, {_rounded(self.words_per_second)} words/s)"


def _left_out(wishes: ModelWishes) -> dict[str, str]:
    """The kinds that can't be chosen, and why."""
    reasons: dict[str, str] = {}
    if wishes.spans_key is not None:
        reasons |= dict.fromkeys(FLAT, "it finds no entities within others")
    if wishes.lang != "en":
        reasons["transformer"] = "the default encoder reads English only: --encoder"
    if not wishes.has_vectors:
        reasons["bilstm"] = "there are no word vectors: --vectors"
    return reasons


def _reason(
    chosen: _Candidate,
    candidates: Sequence[_Candidate],
    fast: Sequence[_Candidate],
    n_sentences: int,
    wishes: ModelWishes,
) -> str:
    others = sorted((one for one in fast if one != chosen), key=lambda one: -one.f1)
    slow = [str(one) for one in candidates if one not in fast]
    left_out = [f"{kind} ({why})" for kind, why in _left_out(wishes).items()]
    of_flat = " of flat entities" * (wishes.spans_key is not None)
    parts = [f"With {n_sentences:,} annotated sentences, by the benchmarks{of_flat}: {chosen}"]
    if others:
        parts.append(f"next comes {others[0]}")
    if slow:
        parts.append(f"too slow for {wishes.words_per_second:,.0f} words/s: {', '.join(slow)}")
    if left_out:
        parts.append(f"not considered: {', '.join(left_out)}")
    return "; ".join(parts)


def expected_f1(f1: Mapping[int, float], n_sentences: int) -> float:
    """F1 between the measured numbers of sentences, on a straight line over their logarithm.

    Beyond them it is that of the nearest.
    """
    sizes = sorted(f1)
    if n_sentences <= sizes[0]:
        return f1[sizes[0]]
    for less, more in pairwise(sizes):
        if n_sentences <= more:
            share = log(n_sentences / less) / log(more / less)
            return f1[less] + share * (f1[more] - f1[less])
    return f1[sizes[-1]]


def words_per_second(measured: Measured, device: DeviceFacts) -> float:
    """The speed on a device. On a CPU all cores read, as processes or as threads of one."""
    if device.kind == "cuda":
        return measured.words_per_second["cuda"]
    return device.cores * measured.words_per_second["bf16" if device.has_bf16 else "cpu"]


def _rounded(number: float) -> str:
    """To two digits."""
    step = 10 ** max(0, len(f"{number:.0f}") - 2)
    return f"{round(number / step) * step:,}"
