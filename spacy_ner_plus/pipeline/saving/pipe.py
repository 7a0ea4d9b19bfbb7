"""A component that is saved and loaded.

It is `cfg`, a folder `model` with further files, and the manifest of both.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import srsly
from spacy import util
from spacy.pipeline import Pipe
from spacy.vocab import Vocab

from ...models.storage.files import Unsaved, read_msgpack
from ...models.storage.manifest import Content, damage
from .saved_component import CFG, MODEL, ComponentFiles, SavedComponent


class SavedPipe(Pipe):
    """A component that is saved and loaded: all of it, or, with an error, nothing.

    A subclass that consists of more than `cfg` names its files, and overrides to_files and
    read_files.

    cfg (Dict[str, Any]): Plain data by name, saved as JSON. The scorer gets it too.
    file_names: All files that there may be in its folder `model`.
    """

    vocab: Vocab
    name: str
    cfg: dict[str, Any]
    file_names: ClassVar[tuple[str, ...]] = ()

    # What a subclass consists of

    def to_files(self) -> dict[str, Unsaved]:
        """What is saved beside cfg, by file name: only names of file_names.

        A large file may be given as its path.
        """
        return {}

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Callable[[], None]:
        """Read and check what to_files gave, without changing the component.

        files: The bytes of each file, or where it is: only names of file_names.
        is_verified (bool): Whether they were compared with a manifest. They may come from a
            stranger all the same, who made the manifest fit.
        RETURNS: What makes the component be what was read, and can't fail.
        RAISES ValueError: If a file is missing or damaged, or does not fit the config.
        """
        if files:
            raise ValueError(
                f"{type(self).__name__} has the files {sorted(files)} and nothing that reads them: "
                "define its read_files."
            )
        return lambda: None

    def fault_of(self, cfg: Mapping[str, Any]) -> str | None:
        """What is wrong with a cfg that was saved, such as "has no list of words".

        None if nothing is.
        """
        return None

    # Saving and loading

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize to a bytestring.

        exclude (Iterable[str]): Names of parts to leave out: "cfg", "vocab", "model".
        """
        exclude = list(exclude)
        layout = ComponentFiles(self.file_names, exclude)
        # not the bytes of a whole thinc model: its own settings would win over the config's on load
        parts = layout.pack(self.cfg, self._files(exclude))
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
        take = self._read(ComponentFiles(self.file_names, exclude).unpack(parts))
        if "vocab" in parts and "vocab" not in exclude:
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        take()
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a folder.

        Weights are safetensors, the rest is JSON, and a manifest has the size and SHA-256 of each
        file. If it fails, what was saved in the folder before stays as it was.

        path (str / Path): The folder.
        exclude (Iterable[str]): Names of parts to leave out.
        """
        exclude = list(exclude)
        layout = ComponentFiles(self.file_names, exclude)
        writers: dict[str, Callable[[Path], Any]] = {
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude)
        }
        layout.write(
            Path(path),
            self.cfg,
            self._files(exclude),
            write_others=lambda folder: util.to_disk(folder, writers, exclude),
        )

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a folder: the reverse of to_disk.

        All files are compared with the manifest before one is read, and its cfg is replaced whole.
        If it fails, the component stays as it was.
        RAISES ValueError: If files are missing or damaged, of a newer format, or a setting that
            belongs to the weights differs.
        """
        exclude = list(exclude)
        take = self._read(ComponentFiles(self.file_names, exclude).read_folder(Path(path)))
        readers: dict[str, Callable[[Path], Any]] = {
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude)
        }
        util.from_disk(path, readers, exclude)
        take()
        return self

    def _files(self, exclude: Collection[str]) -> dict[str, Unsaved]:
        return {} if MODEL in exclude else self.to_files()

    def _read(self, saved: SavedComponent) -> Callable[[], None]:
        fault = None if saved.cfg is None else self.fault_of(saved.cfg)
        if fault is not None:
            raise damage(CFG, saved.cfg_content, fault)
        take_files = None
        if saved.files is not None:
            take_files = self.read_files(saved.files, is_verified=saved.is_verified)

        def take() -> None:
            if take_files is not None:
                take_files()
            if saved.cfg is not None:
                self.cfg = saved.cfg  # whole: what was set before is not of this component
            for label in self.labels:
                self.vocab.strings.add(label)

        return take
