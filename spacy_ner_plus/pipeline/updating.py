"""How components learn whose loss is taken on the model's output."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spacy.training import Example, validate_examples
from thinc.api import Adam, Optimizer, set_dropout_rate
from torch import Tensor

from ..models.runtime.labelled_shim import LabelledShim, labelled_shim_of
from ..models.runtime.optimizer import SAFE_ENCODER_RATE
from .base import TrainableEntityPipe


@dataclass
class UpdateCounts:
    """What a component has learned from since it was made: a TrainingProgress for the logger."""

    words: int = 0
    loss: float = 0.0


class UpdatedPipe(TrainableEntityPipe):
    """A component that learns by steps of an optimizer. A subclass has `get_loss`.

    progress (UpdateCounts): What it has learned from: a subclass begins with none.
    """

    progress: UpdateCounts

    @property
    def labelled_shim(self) -> LabelledShim:
        """The part of the model that knows the labels, and has the head for them."""
        return labelled_shim_of(self.model)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        examples (Iterable[Example]): The batch.
        drop (float): Dropout of a tok2vec made of thinc layers. A pretrained encoder's is its
            own, and the head's is a setting of the model.
        sgd (Optimizer): Takes a step if given; else call finish_update.
        losses (Dict[str, float]): Updated under the component's name with what get_loss gives: the
            mean per annotated token, in nats.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{self.name}.update")
        if not any(len(example.predicted) for example in examples):
            if examples:
                warnings.warn(
                    f"All documents of a whole batch are empty, so '{self.name}' learns nothing "
                    "from it. Leave them out of the training data.",
                    stacklevel=2,
                )
            return losses
        set_dropout_rate(self.model, drop)
        loss, gradient, backprop = self._go_forward(examples)
        backprop(gradient)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        self.progress.words += sum(len(example.predicted) for example in examples)
        self.progress.loss += loss
        return losses

    def _go_forward(self, examples: list[Example]) -> tuple[float, Tensor, Any]:
        """The loss of a batch, the gradient of the model's output, and what takes that gradient."""
        backprop: Any  # takes the output's gradient alone: rows have none
        output, backprop = self.model.begin_update([eg.predicted for eg in examples])
        loss, gradient = self.get_loss(examples, output)
        return loss, gradient, backprop

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Tensor]:
        """The loss of a batch and its gradient with respect to the model's output.

        examples (Iterable[Example]): The batch.
        scores (Any): What the model's begin_update or predict gave for its Docs.
        RETURNS (Tuple[float, Tensor]): The mean per annotated token, and the gradient.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method get_loss.")

    def warn_of_no_annotation(self, where: str) -> None:
        """Say that a batch teaches nothing. where (str): What to set, for what there is none in."""
        warnings.warn(  # the same words each time, so that Python shows them once
            f"No token of a whole batch is annotated, so '{self.name}' learns nothing from it. "
            f"Set {where}, and see doc._.annotated_labels.",
            stacklevel=3,
        )

    def create_optimizer(self) -> Optimizer:
        """AdamW at a rate that a pretrained encoder stands."""
        return Adam(SAFE_ENCODER_RATE, L2=0.01, grad_clip=1.0, use_averages=False)
