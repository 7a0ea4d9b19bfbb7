"""The shim of a tagger: a torch module whose head scores the tags of a scheme."""

from dataclasses import asdict
from typing import Any

import torch
from thinc.api import Model, Optimizer

from ...nn.crf import CRF, TagDecoder
from ...nn.crf.growth import grow_scores
from ...nn.heads.new_labels import NEW_LABEL_SCORE
from ...nn.heads.tag_head import TagHead
from ...tags import TagScheme
from ..decoding.calibration import Calibration, read_calibration
from ..decoding.emissions import Emissions
from ..decoding.entities import Tagger, make_decoder
from ..decoding.scored_rows import ScoredRows
from ..pretrained.tag_names import CheckpointTags
from .labelled_shim import LabelledShim, find_shim
from .shim_settings import TorchSettings


class TaggerShim(LabelledShim):
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

    called = "tag scheme"
    scheme: TagScheme
    calibration: Calibration
    fresh_labels: tuple[str, ...]
    origin: CheckpointTags | None

    def __init__(self, config: TorchSettings, *, use_crf: bool, dropout: float) -> None:
        super().__init__(config, dropout=dropout)
        self.use_crf = use_crf
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

    def make_head(self, width: int | None) -> TagHead:
        """See LabelledShim.make_head. It is for the tags of the scheme."""
        return TagHead(width, self.make_decoder(), dropout=self.dropout)

    def make_decoder(self) -> TagDecoder:
        """A new decoder for the scheme."""
        return make_decoder(self.scheme, use_crf=self.use_crf)

    def score_rows(self, rows: Emissions) -> ScoredRows:
        """See LabelledShim.score_rows. The scores are the emissions."""
        scores = rows.scores.cpu().numpy()  # (n_rows, n_tags)
        return ScoredRows(scores.reshape(-1), scores.argmax(axis=1), self.tagger.decode(rows))

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
        head = self.make_head(old.width).to(old.linear.weight.device)
        with torch.no_grad():
            for name, rows in old.linear.named_parameters():
                new_rows = head.linear.get_parameter(name)  # (n_tags, width) or (n_tags,)
                new_rows[n_old:] += rows[0]  # O and a little noise
                new_rows[:n_old] = rows
            head.linear.bias[n_old:] += NEW_LABEL_SCORE
            if isinstance(old.decoder, CRF) and isinstance(head.decoder, CRF):
                grow_scores(old.decoder, head.decoder)
        self.module.head = head.train(self.module.training)
        self.place(self.module)
        self.fresh_labels += tuple(label for label in scheme.labels if label not in known)

    def finish_update(self, optimizer: Optimizer) -> None:
        """See LabelledShim.finish_update. After it no label is fresh."""
        super().finish_update(optimizer)
        self.fresh_labels = ()

    def label_settings(self) -> dict[str, Any]:
        """See LabelledShim.label_settings."""
        return {"scheme": {"name": self.scheme.name, "labels": list(self.scheme.labels)}}

    def start_with(self, saved: dict[str, Any]) -> None:
        """See LabelledShim.start_with."""
        self.start(TagScheme(**saved["scheme"]))

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. Whether there is a CRF belongs to it."""
        return {**super().structure, "use_crf": self.use_crf}

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. What the tags mean is added."""
        return {
            **super().settings(),
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


def shim_of(model: Model) -> TaggerShim:
    """The shim with the tagger.

    RAISES LookupError: There is none: the model is of another kind.
    """
    if shim := find_shim(model, TaggerShim):
        return shim
    raise LookupError(f"The model {model.name!r} has no tagger.")
