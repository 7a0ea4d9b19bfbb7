"""What comes before a pipeline runs: a GPU for it, code that it needs, and whether it is there."""

from pathlib import Path

from spacy import util
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.util import import_file


def use_gpu(gpu_id: int, *, silent: bool = False) -> None:
    """Let components that need CuPy use a GPU.

    gpu_id (int): Its number, or -1 for none.
    silent (bool): Print nothing.
    RAISES ValueError: If there is none, or no CuPy.
    """
    try:
        setup_gpu(gpu_id, silent=silent)
    except ValueError as error:
        raise ValueError(
            f"--gpu-id {gpu_id}: {error}. Only components of others need it: leave it out if there "
            "are none, as ner_plus finds a GPU by itself."
        ) from error


def import_user_code(code: Path | None) -> None:
    """Import a Python file, which registers functions that configs name.

    RAISES ValueError: If it is not there, or can't be imported.
    """
    if code is None:
        return
    if not Path(code).is_file():
        raise ValueError(f"--code {code}: there is no such file.")
    try:
        import_file("python_code", code)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"--code {code} can't be imported: {reason}") from error


def check_pipeline_exists(model: Language | str | Path) -> None:
    """Look whether there is a pipeline, without loading it.

    model (Language / str / Path): A pipeline, or its name or folder.
    RAISES ValueError: If there is no such package or folder, or the folder holds something else.
    """
    if (
        isinstance(model, Language)
        or str(model).startswith("blank:")
        or util.is_package(str(model))
    ):
        return
    folder = Path(model)
    if not folder.is_dir():
        raise ValueError(
            f"There is no pipeline {model}: it is neither the name of an installed package nor a "
            "folder that nlp.to_disk or a training has written."
        )
    missing = [name for name in ("meta.json", "config.cfg") if not (folder / name).is_file()]
    if missing:
        inside = [one.name for one in sorted(folder.iterdir()) if (one / "meta.json").is_file()]
        hint = f" Is it one of those inside, {', '.join(inside)}?" if inside else ""
        raise ValueError(f"{folder} holds no pipeline: it has no {' and no '.join(missing)}.{hint}")
    try:
        util.load_meta(folder / "meta.json")
        util.load_config(folder / "config.cfg")
    except ValueError as error:
        raise ValueError(f"The pipeline in {folder} can't be read: {error}") from error


def load_pipeline(model: Language | str | Path) -> Language:
    """A pipeline, as it is or by its name or folder.

    RAISES ValueError: See check_pipeline_exists.
    """
    if isinstance(model, Language):
        return model
    check_pipeline_exists(model)
    return util.load_model(model)
