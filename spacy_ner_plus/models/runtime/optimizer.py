"""AdamW over a torch module, at the current settings of spaCy's own optimizer.

Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization". thinc's optimizer clips each
tensor alone, decays biases and knows one learning rate; so only its settings (rate and schedule,
betas, eps, L2, clip, and over what to average) are taken, as they stand at each step.
"""

import math
import warnings
from collections.abc import Iterable
from typing import Any

import safetensors.torch
import torch
from thinc.api import Optimizer
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from .averaging import WeightAverages
from .learning_rate import LearningRate
from .loss_scale import LossScale

# Above this rate a pretrained encoder forgets what it knows. spaCy's default is 0.001.
MAX_ENCODER_RATE = 5e-4
SAFE_ENCODER_RATE = 5e-5
# At another rate than the encoder, as they start from nothing.
HEAD_PARAMETERS = ("head.", "encoder.word_forms.", "encoder.mix.", "encoder.characters.")
# Matrices whose zeros mean something: no preference among transitions, no word form. A module may
# name further ones, as `undecayed`.
UNDECAYED = ("head.decoder.", "encoder.word_forms.")
NOTHING_LEARNS = (
    "No weight of the model learns, as all of them are frozen (requires_grad is False). To keep an "
    'encoder as it is, and let the head learn, there is the setting freeze = "encoder".'
)
# Keys among the saved tensors of what is of no parameter: none has an empty name.
LOSS_SCALE, N_AVERAGED = "loss_scale/", "n_averaged/"
# The kind of the saved tensors that are averages of weights; the others are AdamW's.
AVERAGE = "average"


class ModuleOptimizer:
    """AdamW with a learning rate for the head, one for each encoder layer, and global clipping.

    module (nn.Module): What learns; parameters that need no gradient are left out. Its `encoder`,
        if it has one, is pretrained.
    head_lr_scale (float): The head's learning rate relative to the encoder's.
    lr_decay (float): Factor of the learning rate from each encoder layer to the one below.
    lr_scale (float): The encoder's learning rate relative to that of thinc's optimizer.
    scales_loss (bool): Whether gradients may overflow, as in fp16: a step at which they do is
        left out. `loss_scale` then says by what to scale the next ones.
    RAISES ValueError: If no parameter needs a gradient.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        head_lr_scale: float,
        lr_decay: float,
        lr_scale: float = 1.0,
        scales_loss: bool = False,
    ) -> None:
        self.loss_scale = LossScale() if scales_loss else None
        self._averages: WeightAverages | None = None
        self._encoder: Any = getattr(module, "encoder", None)
        self._undecayed: tuple[str, ...] = (*UNDECAYED, *getattr(module, "undecayed", ()))
        self._head_lr_scale = head_lr_scale
        self._lr_decay = lr_decay
        self._lr_scale = lr_scale
        self._rate = LearningRate()
        self._others = {"eps": 1e-8, "L2": 0.01, "grad_clip": 1.0}
        self._names = [name for name, p in module.named_parameters() if p.requires_grad]
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        if not self._parameters:
            raise ValueError(NOTHING_LEARNS)
        can_fuse = all(p.device.type in ("cpu", "cuda") for p in self._parameters)
        self.adamw = torch.optim.AdamW(self._groups(), fused=can_fuse)

    def step(self, settings: Optimizer) -> None:
        """One step with the gradients that are there, which are cleared.

        settings (Optimizer): thinc's optimizer, read only but for a rate of 0: see LearningRate.
            nlp.rehearse gives a function that has its rate and betas only: the others then stay as
            they were at the step before.
        """
        for name in self._others:
            self._others[name] = getattr(settings, name, self._others[name])
        rate = self._safe_rate(self._rate.read(settings) * self._lr_scale)
        for group in self.adamw.param_groups:
            group["lr"] = rate * group["rate_scale"]
            group["betas"] = (settings.b1, settings.b2)
            group["eps"] = self._others["eps"]
            group["weight_decay"] = self._others["L2"] if group["decays"] else 0.0
        if self._clip():
            self.adamw.step()
            for parameter in self._parameters:  # the fused kernel tells nobody of the change
                increment_version(parameter)
            self._average(getattr(settings, "average_over", None))
        self.adamw.zero_grad(set_to_none=True)

    def _average(self, share: float | None) -> None:
        if share is None:
            return
        if self._averages is None:
            self._averages = WeightAverages(self._parameters)
        else:
            self._averages.update(share)

    @property
    def averages(self) -> dict[str, Tensor]:
        """The averages of the weights by the parameters' names; none if none are kept.

        They change in place at each step. See AveragedAdam.
        """
        if self._averages is None:
            return {}
        return dict(zip(self._names, self._averages.values, strict=True))

    def _clip(self) -> bool:
        """Clip the gradients; False if they have overflown."""
        limit = self._others["grad_clip"] or math.inf
        if limit == math.inf and self.loss_scale is None:
            return True
        norm = nn.utils.clip_grad_norm_(self._parameters, limit)
        if self.loss_scale is None:
            return True
        is_finite = bool(norm.isfinite())
        self.loss_scale.update(is_finite=is_finite)
        return is_finite

    def _safe_rate(self, rate: float) -> float:
        if self._encoder is None or rate <= MAX_ENCODER_RATE:
            return rate
        warnings.warn(  # the same words whatever the rate, so that a schedule shows them once
            f"A learning rate above {MAX_ENCODER_RATE:g} would wreck a pretrained encoder (spaCy's "
            f"default is made for small networks): {SAFE_ENCODER_RATE:g} is used instead, and "
            f"{SAFE_ENCODER_RATE * self._head_lr_scale:g} for the head. Set [training.optimizer] "
            "learn_rate; 2e-5 to 2e-4 are usual.",
            stacklevel=2,
        )
        return SAFE_ENCODER_RATE

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters by learning rate and by whether they decay (matrices only)."""
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in zip(self._names, self._parameters, strict=True):
            decays = parameter.ndim >= 2 and not name.startswith(self._undecayed)
            groups.setdefault((self._rate_scale(name), decays), []).append(parameter)
        return [
            {"params": parameters, "rate_scale": scale, "decays": decays}
            for (scale, decays), parameters in groups.items()
        ]

    def _rate_scale(self, name: str) -> float:
        if name.startswith(HEAD_PARAMETERS):
            return self._head_lr_scale
        if self._encoder is None:
            return 1.0
        depth = self._encoder.n_layers - self._encoder.layer_of(name)
        return float(self._lr_decay**depth)

    def to_bytes(self) -> bytes:
        """Running means, step counts and averages, by the parameters' names, as safetensors."""
        tensors: dict[str, Tensor] = {}
        for name, parameter in zip(self._names, self._parameters, strict=True):
            for key, value in self.adamw.state.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = value.detach().cpu().contiguous()
        if self.loss_scale is not None:
            state = [self.loss_scale.value, self.loss_scale.n_good]
            tensors[LOSS_SCALE] = torch.tensor(state, dtype=torch.float64)
        if self._averages is not None:
            for name, value in self.averages.items():
                tensors[f"{AVERAGE}/{name}"] = value.cpu().contiguous()
            tensors[N_AVERAGED] = torch.tensor(self._averages.n_steps)
        return safetensors.torch.save(tensors)

    def from_bytes(self, data: bytes) -> None:
        """Take up the state that to_bytes gave for a module with the same parameters.

        RAISES ValueError: If it is of other parameters.
        """
        state: dict[str, dict[str, Tensor]] = {}
        tensors = safetensors.torch.load(data)
        scale = tensors.pop(LOSS_SCALE, None)
        if scale is not None and self.loss_scale is not None:
            self.loss_scale = LossScale(float(scale[0]), int(scale[1]))
        n_averaged = tensors.pop(N_AVERAGED, None)
        for key, value in tensors.items():
            kind, name = key.split("/", 1)
            state.setdefault(name, {})[kind] = value
        unknown = set(state) - set(self._names)
        if unknown:
            raise ValueError(
                f"The optimizer's state is of another model: it has {_some(unknown)}, which do not "
                "learn here."
            )
        if n_averaged is not None:
            self._averages = WeightAverages(self._parameters)
            saved = [state[name].pop(AVERAGE) for name in self._names]
            self._averages.restore(saved, int(n_averaged))
        for name, parameter in zip(self._names, self._parameters, strict=True):
            if state.get(name):
                self.adamw.state[parameter] = {
                    # the fused kernel wants the count of steps beside the parameter
                    kind: value.to(parameter.device)
                    for kind, value in state[name].items()
                }


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "")
