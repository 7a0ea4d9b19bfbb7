"""Dynamic loss scaling: what keeps small gradients from being rounded to 0 in fp16.

Micikevicius et al. (2018), "Mixed precision training"; factors and interval are those of
torch.amp.GradScaler. That one unscales all gradients of an optimizer at its step; here those of a
CRF never went through the scaled backward pass, and each pass unscales its own
(models/runtime/training_pass.py), so that batches may be accumulated.
"""

from dataclasses import dataclass

INITIAL_SCALE = 2.0**16
GROWTH, BACKOFF = 2.0, 0.5
GROWTH_INTERVAL = 2000
# fp16 holds numbers up to 65,504: gradients that overflow at this scale are no numbers at any.
LEAST_SCALE = 2.0**-16


@dataclass
class LossScale:
    """The scale at present.

    value (float): What a gradient is multiplied by before it goes back through the encoder.
    n_good (int): Steps since the scale changed.
    """

    value: float = INITIAL_SCALE
    n_good: int = 0

    def update(self, *, is_finite: bool) -> None:
        """Take account of a step whose gradients were finite, or overflowed and were not used.

        RAISES ValueError: If they overflow whatever the scale.
        """
        if not is_finite:
            self.value *= BACKOFF
            self.n_good = 0
            if self.value < LEAST_SCALE:
                raise ValueError(
                    "The gradients are not finite in fp16, however small the loss is made: use "
                    'precision = "bf16" or "fp32", or a lower learning rate.'
                )
            return
        self.n_good += 1
        if self.n_good == GROWTH_INTERVAL:
            self.value *= GROWTH
            self.n_good = 0
