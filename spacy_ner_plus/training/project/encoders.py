"""The encoder of a new project: the default one, a folder, or one of the hub."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ...models.pretrained.weight_names import weight_names
from ...text.wordpieces import WordpieceTokenizer
from .encoder_wheel import ENCODER_FOLDER
from .facts import DEFAULT_ENCODER, encoder_facts
from .planning import EncoderFacts

# What loading reads; optimizers, checkpoints and other frameworks' weights are not copied.
FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
PICKLED_WEIGHTS = "pytorch_model*.bin"


@dataclass(frozen=True)
class Encoder:
    """An encoder to start from.

    name (str): Its name on the hub, or the folder that it is in or will be in.
    facts (EncoderFacts): What a plan must know.
    tokenizer (Optional[WordpieceTokenizer]): None while it is not here yet.
    """

    name: str
    facts: EncoderFacts
    tokenizer: WordpieceTokenizer | None

    @property
    def is_default(self) -> bool:
        """Whether it is the default one, which the project itself fetches."""
        return self.tokenizer is None


def choose_encoder(encoder: str | Path | None) -> Encoder:
    """Look at an encoder.

    encoder (str / Path): Hub name or folder; None for the default one, which needs no network now.
    RAISES (ValueError): There is no such encoder, its weights are damaged, or it can't be used.
    """
    if encoder is None:
        return Encoder(ENCODER_FOLDER, DEFAULT_ENCODER, None)
    folder = Path(encoder)
    if folder.is_dir():
        for path in _weight_files(folder):
            if path.suffix == ".safetensors":  # a quick look, which a pickle doesn't allow
                weight_names(path)
    facts, tokenizer = encoder_facts(encoder)
    return Encoder(folder.as_posix() if folder.is_dir() else str(encoder), facts, tokenizer)


def copy_encoder(folder: Path, target: Path) -> None:
    """Copy what of an encoder's folder is needed to start from it."""
    target.mkdir(parents=True)
    files = {path for pattern in FILES for path in folder.glob(pattern)}
    for path in sorted({*files, *_weight_files(folder)}):
        shutil.copyfile(path, target / path.name)


def _weight_files(folder: Path) -> list[Path]:
    """RAISES ValueError: If there are none."""
    found = list(folder.glob("*.safetensors")) or list(folder.glob(PICKLED_WEIGHTS))
    if not found:
        raise ValueError(
            f"The folder {folder} has no weights (*.safetensors or {PICKLED_WEIGHTS}), so it holds "
            "no encoder. Give a folder that save_pretrained wrote, or a name on the hub."
        )
    return found
