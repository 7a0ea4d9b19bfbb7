"""How the component is saved and loaded: `cfg`, a folder `model` with the shim's files, and the
manifest of both.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import srsly
from spacy import util
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from ...models.decoding.emissions import Emissions
from ...models.runtime.tagger_shim import TaggerShim, shim_of
from ...models.storage.files import read_msgpack
from ...models.storage.manifest import MANIFEST
from ...tags import TagScheme
from . import saved_component, saved_model
from .saved_component import SavedComponent


class SavedPipe(TrainablePipe):
    """A component with a tagger that is saved and loaded: all of it, or, with an error, nothing.

    cfg (Dict[str, Any]): What is saved beside the model, as plain data.
    """

    vocab: Vocab
    model: Model[list[Doc], Emissions]
    name: str
    cfg: dict[str, Any]
    # nlp.resume_training puts a copy of the model here
    _rehearsal_model: Model[list[Doc], Emissions] | None

    @property
    def tagger(self) -> TaggerShim:
        """The part of the model that knows the tags."""
        return shim_of(self.model)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize to a bytestring.

        exclude (Iterable[str]): Names of parts to leave out: "cfg", "vocab", "model".
        """
        exclude = list(exclude)
        self.cfg["labels"] = list(self.tagger.scheme.labels)
        # not the bytes of the whole model: its own settings would win over the config's on load
        parts = saved_component.pack(self.cfg, self.model, exclude)
        if "vocab" not in exclude:
            parts["vocab"] = self.vocab.to_bytes(exclude=exclude)
        packed: bytes = srsly.msgpack_dumps(parts)
        return packed

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a bytestring: the reverse of to_bytes. Same settings as to_bytes.

        If it fails, the component stays as it was.
        RAISES ValueError: If the bytes are damaged, of a newer format, or a setting that belongs
            to the weights differs.
        """
        exclude = list(exclude)
        parts = read_msgpack(f"the bytes of '{self.name}'", bytes_data)
        component = saved_component.unpack(parts, exclude)
        if "vocab" in parts and "vocab" not in exclude:
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        self._take(component)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a folder. Weights are safetensors, the rest is JSON, and a manifest has the size
        and SHA-256 of each file.

        path (str / Path): The folder.
        exclude (Iterable[str]): Names of parts to leave out.
        """
        self.cfg["labels"] = list(self.tagger.scheme.labels)
        writers = {
            "cfg": lambda p: p.write_bytes(saved_component.pack_cfg(self.cfg)),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "model": lambda p: saved_model.write(p, saved_model.to_files(self.model)),
            MANIFEST: saved_component.write_manifest,  # after what it lists
        }
        util.to_disk(path, writers, list(exclude))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a folder: the reverse of to_disk.

        All files are compared with the manifest before one is read. If it fails, the component
        stays as it was.
        RAISES ValueError: If files are missing or damaged, of a newer format, or a setting that
            belongs to the weights differs.
        """
        exclude = list(exclude)
        component = saved_component.read_folder(Path(path), exclude)
        readers: dict[str, Callable[[Path], Any]] = {
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude)
        }
        util.from_disk(path, readers, exclude)
        self._take(component)
        return self

    def _take(self, component: SavedComponent) -> None:
        """Become what was saved: all of it, or, with an error, nothing."""
        cfg = self.cfg if component.cfg is None else component.cfg
        if cfg["tag_scheme"] != self.cfg["tag_scheme"]:
            raise ValueError(
                f"'{self.name}' was trained with tag_scheme = {cfg['tag_scheme']!r}, but the "
                f"config says {self.cfg['tag_scheme']!r}. This setting can't be changed after "
                "training."
            )
        wanted = self.tagger.scheme
        if component.cfg is not None:
            wanted = TagScheme(cfg["tag_scheme"], cfg["labels"])
        if component.model is None:
            model, scheme = None, self.tagger.scheme if self.tagger.is_built else wanted
        else:
            model = saved_model.read_model(
                self.model, component.model, is_verified=component.is_verified
            )
            scheme = model.shim.scheme if component.model else wanted
        if component.cfg is None:
            wanted = TagScheme(cfg["tag_scheme"], list(scheme.labels))
        if wanted != scheme:
            where = "the config" if component.cfg is None else "its cfg"
            raise ValueError(
                f"'{self.name}' can't be loaded: its weights are for the scheme {scheme.name} with "
                f"the labels {list(scheme.labels)}, but {where} says {wanted.name} with "
                f"{list(wanted.labels)}."
            )
        if model is not None:
            model.take()
        if not self.tagger.is_built:
            self.tagger.start(scheme)
        self._rehearsal_model = None
        self.cfg = {**self.cfg, **cfg}
        for label in scheme.labels:
            self.vocab.strings.add(label)
