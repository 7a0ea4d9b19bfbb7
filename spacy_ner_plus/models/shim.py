"""The shim: what thinc holds in place of a torch module.

It owns everything that is about torch and not about spaCy: the device, the precision, the
optimizer and the files. thinc's own shim pickles weights, clips each tensor alone, decays biases
and keeps averages that never reach the model; so this one does all of that itself, and takes
from the thinc optimizer only its settings (learning rate and schedule, betas, eps, L2, clip).
"""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import safetensors
import safetensors.torch
import srsly
import torch
from thinc.api import Model, Optimizer, PyTorchShim
from thinc.types import ArgsKwargs
from torch import nn

from ..nn.tagger import TransformerTagger
from ..tags import TagScheme
from ..text.wordpieces import WordpieceTokenizer
from .device import autocast, resolve_device, resolve_precision

WEIGHTS, SETTINGS, TOKENIZER = "weights.safetensors", "tagger.json", "tokenizer.json"
FILES = (SETTINGS, TOKENIZER, WEIGHTS)
FORMAT = 1

# Above this rate a pretrained encoder forgets what it knows. spaCy's default is 0.001.
MAX_ENCODER_RATE = 5e-4
SAFE_ENCODER_RATE = 5e-5
# At another rate than the encoder, as they start from nothing.
HEAD_PARAMETERS = ("head.", "encoder.word_forms.")

NO_WEIGHTS = (
    "The ner_plus model has no weights yet: call nlp.initialize() with examples, train it with "
    "spacy train, or load a trained pipeline with spacy.load."
)

# Matrices whose zeros mean something: no preference among transitions, no word form.
UNDECAYED = ("head.decoder.", "encoder.word_forms.")

ModuleBuilder = Callable[["TaggerShim", dict[str, Any]], TransformerTagger]


class TaggerShim(PyTorchShim):
    """A tagger module with its tag scheme, tokenizer, device, precision and optimizer.

    structure (dict): Settings that belong to the weights (pooling, CRF, ...); saved with them, and
        compared on load.
    config (dict): Settings of the module that do not belong to the weights.
    rebuild: Builds the module, without weights, from saved settings; a module-level function, so
        that the shim can be pickled.
    device, precision (str): Where and how to run; resolved when the module is placed.
    head_lr_scale (float): The head's learning rate relative to the encoder's.
    lr_decay (float): Factor of the learning rate from each encoder layer to the one below.
    """

    scheme: TagScheme

    def __init__(
        self,
        *,
        structure: dict[str, Any],
        config: dict[str, Any],
        rebuild: ModuleBuilder,
        device: str,
        precision: str,
        head_lr_scale: float,
        lr_decay: float,
    ) -> None:
        super().__init__(None, config, device=torch.device("cpu"))
        self.structure = structure
        self.rebuild = rebuild
        self.device_name = device
        self.precision_name = precision
        self.head_lr_scale = head_lr_scale
        self.lr_decay = lr_decay
        self.scheme = TagScheme("BIO", [])
        self._tokenizer: WordpieceTokenizer | None = None

    @property
    def is_built(self) -> bool:
        return self._model is not None

    @property
    def module(self) -> TransformerTagger:
        if self._model is None:
            raise ValueError(NO_WEIGHTS)
        module: TransformerTagger = self._model
        return module

    @property
    def tokenizer(self) -> WordpieceTokenizer:
        if self._tokenizer is None:
            raise ValueError(NO_WEIGHTS)
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: WordpieceTokenizer) -> None:
        self._tokenizer = tokenizer

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def place(self, module: TransformerTagger) -> None:
        """Take a module, put it on the device and forget the optimizer of the one before."""
        device = resolve_device(self.device_name)
        resolve_precision(self.precision_name, device)
        self._model = module.to(device)
        self._optimizer = None

    # Forward and backward

    def predict(self, inputs: ArgsKwargs) -> Any:
        self.module.eval()
        with torch.inference_mode(), self._autocast():
            return self.module(*inputs.args, **inputs.kwargs)

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        self.module.train()
        with self._autocast():
            output = self.module(*inputs.args, **inputs.kwargs)

        def backprop(gradients: ArgsKwargs) -> ArgsKwargs:
            torch.autograd.backward(*gradients.args, **gradients.kwargs)
            return ArgsKwargs(args=(), kwargs={})

        return output, backprop

    def _autocast(self) -> torch.autocast:
        return autocast(self.device, resolve_precision(self.precision_name, self.device))

    # Learning

    def finish_update(self, optimizer: Optimizer) -> None:
        """One AdamW step at the thinc optimizer's current settings, gradients clipped globally."""
        with_gradient = [p for p in self.module.parameters() if p.grad is not None]
        if not with_gradient:
            return
        if self._optimizer is None:
            self._optimizer = torch.optim.AdamW(self._parameter_groups(), fused=self._can_fuse())
        rate = self._encoder_rate(optimizer.learn_rate)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate_scale"]
            group["betas"] = (optimizer.b1, optimizer.b2)
            group["eps"] = optimizer.eps
            group["weight_decay"] = optimizer.L2 if group["decays"] else 0.0
        if optimizer.grad_clip:
            nn.utils.clip_grad_norm_(with_gradient, optimizer.grad_clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _can_fuse(self) -> bool:
        return self.device.type in ("cpu", "cuda")

    def _encoder_rate(self, rate: float) -> float:
        if rate <= MAX_ENCODER_RATE:
            return rate
        warnings.warn(  # the same words whatever the rate, so that a schedule shows them once
            f"A learning rate above {MAX_ENCODER_RATE:g} would wreck a pretrained encoder (spaCy's "
            f"default is made for small networks): {SAFE_ENCODER_RATE:g} is used instead, and "
            f"{SAFE_ENCODER_RATE * self.head_lr_scale:g} for the head. Set [training.optimizer] "
            "learn_rate; 2e-5 to 2e-4 are usual.",
            stacklevel=2,
        )
        return SAFE_ENCODER_RATE

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters by learning rate and by whether they decay (matrices only)."""
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                decays = parameter.ndim >= 2 and not name.startswith(UNDECAYED)
                groups.setdefault((self._rate_scale(name), decays), []).append(parameter)
        return [
            {"params": parameters, "rate_scale": scale, "decays": decays}
            for (scale, decays), parameters in groups.items()
        ]

    def _rate_scale(self, name: str) -> float:
        if name.startswith(HEAD_PARAMETERS):
            return self.head_lr_scale
        encoder = self.module.encoder
        return float(self.lr_decay ** (encoder.n_layers - encoder.layer_of(name)))

    @contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        # thinc's averages of torch weights are never computed here, so there is nothing to swap
        yield

    def to_device(self, device_type: str, device_id: int) -> None:
        # spaCy moves a model to its own device; this one has a setting for that
        pass

    # Files

    def to_files(self) -> dict[str, bytes]:
        """Everything that loading needs, by file name. Nothing in it is code or pickle."""
        if self._model is None:
            return {}
        state = {
            name: value.detach().cpu().contiguous()
            for name, value in self.module.state_dict().items()
        }
        settings = {
            "format": FORMAT,
            "scheme": {"name": self.scheme.name, "labels": list(self.scheme.labels)},
            "structure": self.structure,
            "encoder": self.module.encoder.config,
            "word_forms": self.module.encoder.word_forms is not None,
            "pad_id": self.tokenizer.pad_id,
        }
        return {
            SETTINGS: json.dumps(settings, indent=2, sort_keys=True).encode("utf8"),
            TOKENIZER: self.tokenizer.to_json().encode("utf8"),
            WEIGHTS: safetensors.torch.save(state),
        }

    def from_files(self, files: dict[str, bytes]) -> None:
        """Build the module from files and fill in its weights; the reverse of to_files.

        RAISES ValueError: If a file is missing, of another format, or does not fit the others or
            the settings of the config.
        """
        if not files:
            return
        missing = set(FILES) - set(files)
        if missing:
            raise ValueError(f"The saved ner_plus model lacks {', '.join(sorted(missing))}.")
        try:
            settings = json.loads(files[SETTINGS])
        except ValueError as error:
            raise ValueError(
                f"{SETTINGS} of the saved ner_plus model is damaged: {error}"
            ) from error
        if settings.get("format") != FORMAT:
            raise ValueError(
                f"{SETTINGS} of the saved ner_plus model has format {settings.get('format')}, this "
                f"version of spacy_ner_plus reads format {FORMAT}: install the one that saved it."
            )
        self._check_structure(settings["structure"])
        self.scheme = TagScheme(settings["scheme"]["name"], settings["scheme"]["labels"])
        self.tokenizer = _read_tokenizer(files[TOKENIZER], pad_id=settings["pad_id"])
        module = self.rebuild(self, settings)
        _fill(module, files[WEIGHTS])
        self.place(module)

    def _check_structure(self, saved: dict[str, Any]) -> None:
        differing = [name for name, value in self.structure.items() if saved.get(name) != value]
        if differing:
            name = differing[0]
            raise ValueError(
                f"The weights were trained with {name} = {saved.get(name)!r}, but the config says "
                f"{self.structure[name]!r}. This setting can't be changed after training."
            )

    def to_bytes(self) -> bytes:
        packed: bytes = srsly.msgpack_dumps(self.to_files())
        return packed

    def from_bytes(self, bytes_data: bytes) -> "TaggerShim":
        self.from_files(srsly.msgpack_loads(bytes_data))
        return self

    # The optimizer's state is twice the weights and of no use to a copy.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_optimizer"] = None
        state["_model"] = None
        state["files"] = self.to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("files")
        self.__dict__.update(state)
        self.from_bytes(files)


def shim_of(model: Model) -> TaggerShim:
    """The shim of the one node that has a tagger. It is looked for, and not a thinc reference,
    because copies of a model lose their references.
    """
    shims = (shim for node in model.walk() for shim in node.shims)
    return next(shim for shim in shims if isinstance(shim, TaggerShim))


def _read_tokenizer(content: bytes, *, pad_id: int) -> WordpieceTokenizer:
    try:
        return WordpieceTokenizer.from_json(content.decode("utf8"), pad_id=pad_id)
    except Exception as error:  # the tokenizers library raises no narrower one
        raise ValueError(f"{TOKENIZER} of the saved ner_plus model is damaged: {error}") from error


def _fill(module: nn.Module, weights: bytes) -> None:
    try:
        state = safetensors.torch.load(weights)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{WEIGHTS} of the saved ner_plus model is damaged: {error}") from error
    for name, value in module.state_dict().items():
        if name in state and state[name].shape != value.shape:
            raise ValueError(
                f"{WEIGHTS} does not fit the other files of the saved ner_plus model: {name} has "
                f"shape {tuple(state[name].shape)}, where {tuple(value.shape)} is needed."
            )
    missing, unexpected = module.load_state_dict(state, strict=False)
    # buffers such as position_ids come and go with versions of transformers, and hold nothing
    parameters = {name for name, _ in module.named_parameters()}
    missing = [name for name in missing if name in parameters]
    unexpected = [name for name in unexpected if not name.endswith("position_ids")]
    if missing or unexpected:
        raise ValueError(
            f"{WEIGHTS} does not fit the saved encoder configuration: missing {missing[:5]}, "
            f"unexpected {unexpected[:5]}. Was it saved with a newer version of transformers?"
        )
