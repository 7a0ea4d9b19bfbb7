"""`spacy_ner_plus.AveragedAdam.v1`: spaCy's Adam, with averages of all weights that learn.

thinc's own averages (`use_averages`) are of thinc's layers alone, and reach back over 10,000 steps
at the end, more than most trainings of a pretrained encoder have.
"""

from typing import Any

from spacy import registry
from thinc.api import Optimizer
from thinc.types import Generator

from ...support.numbers import as_float
from .averaging import horizon

Rate = float | list[float] | Generator


class AveragedAdam(Optimizer):
    """thinc's Adam; torch modules under a TorchShim read from it how to average.

    learn_rate, settings: See make_averaged_adam_v1.
    RAISES ValueError: If `average_over` is out of range.

    Attributes:
        average_over (float): See make_averaged_adam_v1.
        averages (dict): By (id of a node, name of the parameter); of a shim, torch tensors by
            "pytorch_ID_NAME".
    """

    average_over: float

    def __init__(self, learn_rate: Any, *, average_over: float, **settings: Any) -> None:
        share = as_float(average_over, "average_over")
        if not 0.0 < share <= 1.0:
            raise ValueError(
                f"average_over = {average_over} must be over 0 and at most 1: it is the share of "
                "the steps that averages of the weights reach back over."
            )
        super().__init__(learn_rate, use_averages=True, **settings)
        self.average_over = share

    def __call__(
        self, key: tuple[int, str], weights: Any, gradient: Any, *, lr_scale: float = 1.0
    ) -> tuple[Any, Any]:
        """A step of one of thinc's own parameters. See Optimizer."""
        averages, self.averages = self.averages, None  # not those of thinc's kind
        try:
            weights, gradient = super().__call__(key, weights, gradient, lr_scale=lr_scale)
        finally:
            self.averages = averages
        assert averages is not None
        n_steps = self.nr_update.get(key, 0)
        if key in averages:
            averages[key] += (weights - averages[key]) / horizon(n_steps, self.average_over)
        elif n_steps:
            averages[key] = weights.astype("float32")  # a copy
        return weights, gradient


@registry.optimizers("spacy_ner_plus.AveragedAdam.v1")
def make_averaged_adam_v1(
    learn_rate: Rate,
    average_over: float = 0.1,
    L2: Rate = 0.01,  # noqa: N803 (thinc's name)
    beta1: Rate = 0.9,
    beta2: Rate = 0.999,
    eps: Rate = 1e-8,
    grad_clip: Rate = 1.0,
    L2_is_weight_decay: bool = True,  # noqa: N803
) -> AveragedAdam:
    """Adam.v1 with averages of the weights, which `nlp.use_params(optimizer.averages)` puts in.

    `spacy train` and `ner-plus train` do so to evaluate, and for model-best and model-last;
    training goes on with the weights themselves. All weights that learn take part, those of torch
    modules of this package (encoder, head, CRF) and those of thinc's layers.

    learn_rate (float / schedule): As in Adam.v1, and so are the further settings.
    average_over (float): The share of the steps so far that the averages reach back over: more
        than 0, at most 1. See models/runtime/averaging.py.
    L2, beta1, beta2, eps, grad_clip (float / schedule): As in Adam.v1.
    L2_is_weight_decay (bool): As in Adam.v1; of no effect on torch modules, for which it is.
    RETURNS (AveragedAdam): The optimizer.
    RAISES ValueError: If `average_over` is out of range.
    """
    return AveragedAdam(
        learn_rate,
        average_over=average_over,
        L2=L2,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        grad_clip=grad_clip,
        L2_is_weight_decay=L2_is_weight_decay,
    )
