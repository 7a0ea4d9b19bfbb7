"""A shim whose module has a head for labels, which are known before there are weights."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from thinc.api import Model, Optimizer

from ...nn.heads.span_head import SpanHead
from ...nn.heads.tag_head import TagHead
from ...support.numbers import as_float
from ..decoding.scored_rows import ScoredRows
from ..storage.files import SETTINGS, Unsaved, pack_settings, read_settings
from ..storage.manifest import Content, damage
from .optimizer import NOTHING_LEARNS
from .shim_settings import TorchSettings
from .torch_shim import TorchShim

ShimT = TypeVar("ShimT")


class LabelledShim(TorchShim):
    """A module with a head for labels.

    A subclass says in `label_settings` what the labels are, and takes it up in `start_with`. Its
    head has a first step, of one token at a time, which can run elsewhere: see `make_head`.

    config (TorchSettings): Those of the config.
    dropout (float): Dropout of the head.
    RAISES ValueError: The dropout is out of range.

    Attributes:
        called (str): What the labels are called in errors.
    """

    called: ClassVar[str] = "labels"

    def __init__(self, config: TorchSettings, *, dropout: float) -> None:
        dropout = as_float(dropout, "dropout")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout = {dropout} must be at least 0 and less than 1.")
        super().__init__(config)
        self.dropout = dropout

    def label_settings(self) -> dict[str, Any]:
        """The labels as plain data: saved with the weights and, before there are some, alone."""
        raise NotImplementedError

    def start_with(self, saved: dict[str, Any]) -> None:
        """Take up what `label_settings` gave, without weights.

        RAISES ValueError, TypeError, LookupError: If it is something else.
        """
        raise NotImplementedError

    def make_head(self, width: int | None) -> TagHead | SpanHead:
        """A new head for the labels.

        width (int): Numbers of a token vector; None for a head that is given what its first step
            would make of vectors.
        """
        raise NotImplementedError

    def score_rows(self, rows: Any) -> ScoredRows:
        """What the head makes of what the model gives for some Docs."""
        raise NotImplementedError

    def check_can_learn(self) -> None:
        """RAISES ValueError: If it can't, whatever it is given."""

    def finish_update(self, optimizer: Optimizer) -> None:
        """See TorchShim.finish_update. Frozen weights are told once."""
        if not any(parameter.requires_grad for parameter in self.module.parameters()):
            warnings.warn(NOTHING_LEARNS, stacklevel=3)
        super().finish_update(optimizer)

    def to_files(self) -> dict[str, Unsaved]:
        """As TorchShim.to_files. Labels are known before there are weights: then they are all."""
        return super().to_files() or pack_settings(self.label_settings())

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """As TorchShim.read_files."""
        if set(files) == {SETTINGS}:
            saved = read_settings(files[SETTINGS], is_verified=is_verified)
            if "structure" not in saved:  # that belongs to weights, of which there were none
                return self._read_labels(saved, files[SETTINGS])
        return super().read_files(files, is_verified=is_verified)

    def _read_labels(self, saved: dict[str, Any], content: Content) -> Self:
        read = super().read_files({}, is_verified=True)
        try:
            read.start_with(saved)
        except (ValueError, TypeError, LookupError) as error:
            raise damage(SETTINGS, content, f"has no {self.called}: {error!r:.300}") from error
        return read

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. The labels are added."""
        return {**super().settings(), **self.label_settings()}


def find_shim(model: Model, kind: type[ShimT]) -> ShimT | None:
    """The shim of the one node that has one of a kind; None if no node has.

    It is looked for, and not a thinc reference, because copies of a model lose their references.
    """
    shims = (shim for node in model.walk() for shim in node.shims)
    return next((shim for shim in shims if isinstance(shim, kind)), None)


def labelled_shim_of(model: Model) -> LabelledShim:
    """The shim with the head for labels.

    RAISES LookupError: There is none: the model is of another kind.
    """
    if shim := find_shim(model, LabelledShim):
        return shim
    raise LookupError(f"The model {model.name!r} has no head for labels.")
