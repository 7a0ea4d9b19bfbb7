"""The shim: what thinc holds in place of a torch module.

It owns everything that is about torch and not about spaCy: the device, the precision, the
optimizer with its averages of weights, and the files. thinc's own shim pickles weights and keeps
averages that never reach the model; so this one does all of that itself.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import srsly
import torch
from thinc.api import Optimizer, PyTorchShim
from thinc.types import ArgsKwargs
from torch import nn

from ...text.wordpieces import WordpieceTokenizer
from ..storage.files import FILES, SETTINGS, Unsaved, as_bytes, pack, read_msgpack, unpack
from ..storage.manifest import MANIFEST, Content, damage, make_manifest, verify
from .averaging import in_place_of
from .device import autocast, resolve_device, resolve_precision
from .freezing import freeze
from .memory import PieceBudget
from .optimizer import ModuleOptimizer
from .processes import check_cuda, handle_forks, share_cores
from .shim_settings import TorchSettings
from .table_gradients import TableGradients
from .training_pass import TrainingPass

NO_WEIGHTS = (
    "The ner_plus model has no weights yet: call nlp.initialize() with examples, train it with "
    "spacy train, or load a trained pipeline with spacy.load."
)


class TorchShim(PyTorchShim):
    """A torch module with its tokenizer, device, precision and optimizer.

    A module says in `config`, as plain data, what it is; a kind of shim has `rebuild`, which makes
    the module of that again.

    config (TorchSettings): Those of the config.

    Attributes:
        budget (PieceBudget): How much of a batch is in an encoder at once.
        later_structure (dict): Structural settings that earlier versions did not save, and what
            they were then.
    """

    later_structure: ClassVar[dict[str, Any]] = {}
    config: TorchSettings
    budget: PieceBudget
    _uses_averages = False

    def __init__(self, config: TorchSettings) -> None:
        super().__init__(None, device=torch.device("cpu"))
        self.config = config
        self.budget = PieceBudget(config.max_batch_pieces)
        self._tokenizer: WordpieceTokenizer | None = None
        self._tables = TableGradients()

    @property
    def is_built(self) -> bool:
        """Whether there is a module yet."""
        return self._model is not None

    @property
    def module(self) -> Any:
        """The module. RAISES ValueError: If there is none yet."""
        if self._model is None:
            raise ValueError(NO_WEIGHTS)
        return self._model

    @property
    def tokenizer(self) -> WordpieceTokenizer:
        """The tokenizer. RAISES ValueError: If there is none yet."""
        if self._tokenizer is None:
            raise ValueError(NO_WEIGHTS)
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: WordpieceTokenizer) -> None:
        self._tokenizer = tokenizer

    @property
    def device(self) -> torch.device:
        """Where the module's weights are."""
        device: torch.device = next(self.module.parameters()).device
        check_cuda(device)
        return device

    def place(self, module: nn.Module) -> None:
        """Take a module, put it on the device and forget the optimizer of the one before."""
        handle_forks()
        device = resolve_device(self.config.device)
        check_cuda(device)
        resolve_precision(self.config.precision, device)
        module.to(device)
        freeze(module, self.config.freeze)
        if self.config.gradient_checkpointing:
            encoder: Any = module.encoder
            encoder.recompute_layers()
        self._model = module
        self._optimizer = None
        self._tables = TableGradients()

    # Forward and backward

    def predict(self, inputs: ArgsKwargs) -> Any:
        """What the module gives in evaluation mode, without gradients."""
        if self.module.training:  # to ask is quicker than to set all parts anew for each text
            self.module.eval()
        with torch.inference_mode(), self._autocast():
            return self.budget.run(
                lambda inputs: self.module(*inputs.args, **inputs.kwargs), inputs, keeps=False
            )

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """The module's output, which holds no graph, and what takes its gradient."""
        self.module.train()
        if self.config.freeze == "encoder":
            self.module.encoder.eval()  # what does not learn gives the same features every time
        training_pass = TrainingPass(
            self.module,
            inputs,
            budget=self.budget,
            autocast=self._autocast,
            tables=self._tables,
            loss_scale=self._loss_scale(),
        )
        return training_pass.forward(), training_pass.backward

    def _loss_scale(self) -> float:
        scale = self._adamw().loss_scale if self._precision() == torch.float16 else None
        return 1.0 if scale is None else scale.value

    def _precision(self) -> torch.dtype:
        return resolve_precision(self.config.precision, self.device)

    def _autocast(self) -> torch.autocast:
        return autocast(self.device, self._precision())

    # Learning

    def finish_update(self, optimizer: Optimizer) -> None:
        """One AdamW step at the thinc optimizer's current settings, gradients clipped globally."""
        if any(p.grad is not None for p in self.module.parameters()):
            self._adamw().step(optimizer)
            self.share_averages(optimizer)

    def share_averages(self, optimizer: Optimizer) -> None:
        """Put the averages of the weights, if any are kept, into thinc's optimizer.

        From there they go through nlp.use_params to `use_params`. They change in place later.
        """
        shared = getattr(optimizer, "averages", None)
        if self._optimizer is not None and shared is not None:
            averages = self._optimizer.averages
            shared.update({self._average_key + name: value for name, value in averages.items()})

    @property
    def _average_key(self) -> str:
        """What keys begin with. thinc has this form for shims, whose ids may be those of nodes."""
        return f"pytorch_{self.id}_"

    def _adamw(self) -> ModuleOptimizer:
        if self._optimizer is None:
            self._optimizer = ModuleOptimizer(
                self.module,
                head_lr_scale=self.config.head_lr_scale,
                lr_decay=self.config.lr_decay,
                lr_scale=self.config.lr_scale,
                scales_loss=self._precision() == torch.float16,
            )
        return self._optimizer

    def optimizer_to_bytes(self) -> bytes:
        """The optimizer's state, to go on later as if there had been no break.

        It is empty if nothing has been learned yet.
        """
        return b"" if self._optimizer is None else self._optimizer.to_bytes()

    def optimizer_from_bytes(self, data: bytes) -> None:
        """Take up a state that optimizer_to_bytes gave.

        RAISES ValueError: If it is of other parameters.
        """
        self._optimizer = None
        if data:
            self._adamw().from_bytes(data)

    @contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Put averages of the weights in the place of the weights, and these back afterwards.

        params (dict): thinc's `optimizer.averages`. See share_averages.
        RAISES ValueError: If they are of other weights, as after `add_label`.
        """
        if self._uses_averages:  # two components have it: the first one puts the weights back
            yield
            return
        prefix = self._average_key
        averages = {
            key.removeprefix(prefix): value
            for key, value in params.items()
            if isinstance(key, str) and key.startswith(prefix)
        }
        with in_place_of(dict(self.module.named_parameters()) if averages else {}, averages):
            self._uses_averages = True
            try:
                yield
            finally:
                self._uses_averages = False

    def to_device(self, device_type: str, device_id: int) -> None:
        """Stay: spaCy moves a model to its own device; this one has a setting for that."""

    # Files

    @property
    def structure(self) -> dict[str, Any]:
        """The settings that belong to the weights: saved with them, and compared on load."""
        return {}

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """The module of which `settings` are saved, without its weights.

        RAISES ValueError: If they do not go with the settings of the config.
        """
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """What is saved beside the weights, as plain data."""
        return {"structure": self.structure, **self.module.config}

    def read_settings(self, saved: dict[str, Any]) -> None:
        """Take over what `settings` gave.

        RAISES ValueError: If a structural setting is another one than the config's.
        """
        trained = {**self.later_structure, **saved["structure"]}
        for name, value in self.structure.items():
            if trained.get(name) != value:
                raise ValueError(
                    f"The weights were trained with {name} = {trained.get(name)!r}, but the config "
                    f"says {value!r}. This setting can't be changed after training."
                )

    def to_files(self) -> dict[str, Unsaved]:
        """Everything that loading needs, by file name; nothing if there are no weights yet.

        Nothing in it is code or pickle.
        """
        if self._model is None:
            return {}
        tokenizer = None if self._tokenizer is None else self._tokenizer.to_json()
        return pack(self.settings(), tokenizer, self.module.state_dict())

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """A shim with what the files hold, and otherwise as this one, which stays as it is.

        files: By name; none for a model without weights.
        is_verified (bool): Whether they were compared with a manifest.
        RAISES ValueError: If a file is missing, damaged, of another format, or does not fit the
            others or the settings of the config.
        """
        read = self._twin()
        read._model = read._optimizer = read._tokenizer = None
        if not files:
            return read
        saved = unpack(files, is_verified=is_verified)
        try:
            read.read_settings(saved.settings)
            read._tokenizer = saved.tokenizer
            saved.check(lambda: read.rebuild(saved.settings))
            module = read.rebuild(saved.settings)
        except ValueError:
            raise
        # what plain data of other types or with other keys than ours lead to
        except Exception as error:
            raise damage(SETTINGS, files[SETTINGS], f"makes no model: {error!r:.300}") from error
        saved.fill(module)
        read.place(module)
        return read

    def take(self, read: Self) -> None:
        """Become what read_files gave."""
        self.__dict__.update(read.__dict__)

    def from_files(self, files: Mapping[str, Unsaved]) -> None:
        """Become what to_files gave, in this process or another one of the same user.

        RAISES ValueError: As read_files.
        """
        self.take(self.read_files(as_bytes(files), is_verified=True))

    def _twin(self) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def to_bytes(self) -> bytes:
        """The files with their manifest, as msgpack."""
        files = as_bytes(self.to_files())
        packed: bytes = srsly.msgpack_dumps({**files, MANIFEST: make_manifest(files)})
        return packed

    def from_bytes(self, bytes_data: bytes) -> Self:
        """The reverse of to_bytes. If it fails, the shim stays as it was.

        RAISES ValueError: As read_files, or if the files are not those of the manifest.
        """
        files = read_msgpack("a pretrained encoder's part", bytes_data)
        if not all(isinstance(content, bytes) for content in files.values()):
            raise damage("a pretrained encoder's part", None, "holds something other than files")
        manifest = files.pop(MANIFEST, None)
        if manifest is not None:
            verify(manifest, files, known=frozenset(FILES))
        self.take(self.read_files(files, is_verified=manifest is not None))
        return self

    # A copy within the process or in another one of the same user. The optimizer's state is twice
    # the weights and of no use to it.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_optimizer"] = None
        state["_model"] = None
        state["_tables"] = TableGradients()
        state["_uses_averages"] = False
        state["budget"] = PieceBudget(self.config.max_batch_pieces)
        state["files"] = as_bytes(self.to_files())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("files")
        self.__dict__.update(state)
        if files:  # one without weights is copied in loading, too
            share_cores()
        self.from_files(files)
