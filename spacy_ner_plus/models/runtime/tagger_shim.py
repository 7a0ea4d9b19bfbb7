"""The shim of a tagger: a torch module whose head scores the tags of a scheme."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

import torch
from thinc.api import Model, Optimizer

from ...nn.crf import CRF, TagDecoder
from ...nn.heads.tag_head import TagHead
from ...support.numbers import as_float
from ...tags import TagScheme
from ..decoding.calibration import Calibration, read_calibration
from ..decoding.entities import Tagger, make_decoder
from ..pretrained.tag_names import CheckpointTags
from ..storage.files import SETTINGS, Unsaved, pack_settings, read_settings
from ..storage.manifest import Content, damage
from .optimizer import NOTHING_LEARNS
from .shim_settings import TorchSettings
from .torch_shim import TorchShim

# A label that is added to a trained model starts as a kind of O that is e**7, some thousand
# times, less probable: what has been learned about the others stays as it is.
NEW_LABEL_SCORE = -7.0


class TaggerShim(TorchShim):
    """A module with a TagHead, and what its tags mean.

    config (TorchSettings): Those of the config.
    use_crf (bool): Learn transition scores. It belongs to the weights.
    dropout (float): Dropout before the linear layer.
    RAISES ValueError: The dropout is out of range.

    Attributes:
        scheme (TagScheme): The tags, in the order of the head's rows.
        calibration (Calibration): How its scores become probabilities.
        fresh_labels (tuple): Labels that were added to trained weights and not learned since.
        origin (CheckpointTags): What the head is to be made of by initialize: the classifier of a
            fine-tuned checkpoint with these tags; None for a new one.
    """

    scheme: TagScheme
    calibration: Calibration
    fresh_labels: tuple[str, ...]
    origin: CheckpointTags | None

    def __init__(self, config: TorchSettings, *, use_crf: bool, dropout: float) -> None:
        dropout = as_float(dropout, "dropout")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout = {dropout} must be at least 0 and less than 1.")
        super().__init__(config)
        self.use_crf = use_crf
        self.dropout = dropout
        self.scheme = TagScheme("BIO", [])
        self.calibration = Calibration()
        self.fresh_labels = ()
        self.origin = None

    @property
    def decoder(self) -> TagDecoder:
        """The head's decoder, which knows the tag scheme."""
        decoder: TagDecoder = self.module.head.decoder
        return decoder

    @property
    def tagger(self) -> Tagger:
        """What reads the module's emissions."""
        return Tagger(self.decoder, self.scheme, self.calibration)

    @property
    def n_learned_tags(self) -> int:
        """How many tags have been learned: those of fresh labels are the last ones."""
        return self.scheme.n_tags - len(self.fresh_labels) * len(self.scheme.prefixes)

    def make_head(self, width: int) -> TagHead:
        """A new head for the scheme over vectors of this length."""
        return TagHead(width, self.make_decoder(), dropout=self.dropout)

    def make_decoder(self) -> TagDecoder:
        """A new decoder for the scheme."""
        return make_decoder(self.scheme, use_crf=self.use_crf)

    def start(self, scheme: TagScheme, origin: CheckpointTags | None = None) -> None:
        """Forget what the weights were: a new scheme, nothing learned and nothing calibrated.

        origin (CheckpointTags): Its labels are the scheme's first.
        """
        self.scheme = scheme
        self.calibration = Calibration()
        self.fresh_labels = ()
        self.origin = origin

    def grow(self, scheme: TagScheme) -> None:
        """Give the head rows for further labels; the old ones stay bit for bit as they are.

        scheme (TagScheme): The present labels in the present order, followed by new ones.
        """
        old, n_old = self.module.head, self.scheme.n_tags
        known = self.scheme.labels
        self.scheme = scheme
        head = self.make_head(old.linear.in_features).to(old.linear.weight.device)
        with torch.no_grad():
            for name, rows in old.linear.named_parameters():
                new_rows = head.linear.get_parameter(name)  # (n_tags, width) or (n_tags,)
                new_rows[n_old:] += rows[0]  # O and a little noise
                new_rows[:n_old] = rows
            head.linear.bias[n_old:] += NEW_LABEL_SCORE
            if isinstance(old.decoder, CRF) and isinstance(head.decoder, CRF):
                grow_crf(old.decoder, head.decoder)
        self.module.head = head.train(self.module.training)
        self.place(self.module)
        self.fresh_labels += tuple(label for label in scheme.labels if label not in known)

    def finish_update(self, optimizer: Optimizer) -> None:
        """See TorchShim.finish_update. After it no label is fresh. Frozen weights are told once."""
        if not any(parameter.requires_grad for parameter in self.module.parameters()):
            warnings.warn(NOTHING_LEARNS, stacklevel=2)
        super().finish_update(optimizer)
        self.fresh_labels = ()

    def to_files(self) -> dict[str, Unsaved]:
        """As TorchShim.to_files. The scheme is known before there are weights: then it is all."""
        return super().to_files() or pack_settings({"scheme": self._scheme_settings()})

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """As TorchShim.read_files."""
        if set(files) == {SETTINGS}:
            saved = read_settings(files[SETTINGS], is_verified=is_verified)
            if "structure" not in saved:  # that belongs to weights, of which there were none
                return self._read_scheme(saved, files[SETTINGS])
        return super().read_files(files, is_verified=is_verified)

    def _read_scheme(self, saved: dict[str, Any], content: Content) -> Self:
        read = super().read_files({}, is_verified=True)
        try:
            read.start(TagScheme(**saved["scheme"]))
        except (ValueError, TypeError, LookupError) as error:
            raise damage(SETTINGS, content, f"has no tag scheme: {error!r:.300}") from error
        return read

    def _scheme_settings(self) -> dict[str, Any]:
        return {"name": self.scheme.name, "labels": list(self.scheme.labels)}

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. Whether there is a CRF belongs to it."""
        return {**super().structure, "use_crf": self.use_crf}

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. What the tags mean is added."""
        return {
            **super().settings(),
            "scheme": self._scheme_settings(),
            "calibration": asdict(self.calibration),
            "fresh_labels": list(self.fresh_labels),
        }

    def read_settings(self, saved: dict[str, Any]) -> None:
        """See TorchShim.read_settings. What the tags mean is read too."""
        super().read_settings(saved)
        try:
            self.scheme = TagScheme(saved["scheme"]["name"], saved["scheme"]["labels"])
            self.calibration = read_calibration(saved["calibration"])
        except ValueError as error:  # the file's fault, not the config's: read_files names it
            raise TypeError(str(error)) from error
        self.fresh_labels = tuple(saved["fresh_labels"])


def grow_crf(old: CRF, new: CRF) -> None:
    """Fill a decoder with further tags: old scores where there are any, those of O elsewhere.

    Forbidden ones are never read.
    """
    n = old.n_tags
    new.start[:] = old.start[0]
    new.start[:n] = old.start
    new.end[:] = old.end[0]
    new.end[:n] = old.end
    new.transition[:] = old.transition[0, 0]
    new.transition[:n, n:] = old.transition[:, :1]
    new.transition[n:, :n] = old.transition[:1, :]
    new.transition[:n, :n] = old.transition


def shim_of(model: Model) -> TaggerShim:
    """The shim of the one node that has a tagger.

    It is looked for, and not a thinc reference, because copies of a model lose their references.
    """
    shims = (shim for node in model.walk() for shim in node.shims)
    return next(shim for shim in shims if isinstance(shim, TaggerShim))
