"""How much of the processor pipelines take, in pieces of time and in threads."""

import torch
from spacy.language import Language

from .capabilities import HasLabelledShim, components


def limit_buckets(nlp: Language, pieces: int) -> None:
    """Have encoders on the CPU take at most so many padded wordpieces at once.

    Long documents have a pause after each: see support.pauses.
    """
    for component in components(nlp):
        shim = component.labelled_shim if isinstance(component, HasLabelledShim) else None
        if shim is not None and shim.device.type == "cpu":
            shim.budget.pieces = min(shim.budget.pieces, pieces)


def use_threads(n: int) -> None:
    """Let torch, and ONNX Runtime with it, compute with n threads."""
    torch.set_num_threads(n)
