"""Files of SHA-256 sums, in the format of the program sha256sum."""

import re
from pathlib import Path

from .digests import file_digest

SUMS_NAME = "SHA256SUMS"
SUMS_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def verify(path: Path) -> tuple[Path, int]:
    """Compare files with their sums.

    path (Path): A folder that holds SHA256SUMS, or a file in its format.
    RETURNS (Tuple[Path, int]): The file of sums, and how many files it lists.
    RAISES (ValueError): If there are no sums, or files are missing or differ: one line for each,
        then what to do.
    """
    sums_path = find_sums(path)
    sums = read_sums(sums_path)
    problems = find_problems(sums_path.parent, sums)
    if problems:
        raise ValueError(
            "\n".join(problems) + f"\nRestore what {sums_path} lists (in a clone: git checkout "
            f"{sums_path.parent}), or write new sums with sha256sum if you changed it on purpose."
        )
    return sums_path, len(sums)


def find_sums(path: Path) -> Path:
    """The file of sums that a command-line argument means.

    path (Path): A folder that holds SHA256SUMS, or the file of sums itself.
    RETURNS (Path): The file of sums.
    RAISES (ValueError): If there is none; the message names the folders next to it that have one.
    """
    sums_path = path / SUMS_NAME if path.is_dir() else path
    if sums_path.is_file():
        return sums_path
    if path.is_dir():
        raise ValueError(
            f"{path} has no file {SUMS_NAME}. Write one there with: sha256sum FILES > {SUMS_NAME}"
        )
    others = sorted(str(sums.parent) for sums in path.parent.glob(f"*/{SUMS_NAME}"))
    hint = f" There are: {', '.join(others)}." if others else ""
    raise ValueError(f"{path} does not exist.{hint}")


def read_sums(path: Path) -> dict[str, str]:
    """Read a file in the format of sha256sum.

    path (Path): The file.
    RETURNS (Dict[str, str]): Name of each file, relative to the folder of `path`, and its SHA-256.
    RAISES (ValueError): On a line of another form, a name that leads out of the folder, a name that
        occurs twice, or a file without any line.
    """
    sums: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), start=1):
        if not line.strip():
            continue
        match = SUMS_LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"{path}, line {number}: expected '<64 hexadecimal digits>  <file>', got {line!r}."
            )
        digest, name = match.groups()
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{path}, line {number}: {name!r} leads out of {path.parent}.")
        if name in sums:
            raise ValueError(f"{path}, line {number}: {name!r} is listed twice.")
        sums[name] = digest.lower()
    if not sums:
        raise ValueError(f"{path} lists no files.")
    return sums


def find_problems(folder: Path, sums: dict[str, str]) -> list[str]:
    """Compare files with their sums.

    folder (Path): Folder that the names are relative to.
    sums (Dict[str, str]): Name and SHA-256 of each file, as `read_sums` returns them.
    RETURNS (List[str]): One sentence for each file that is missing or differs.
    """
    problems = []
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path} is missing (expected SHA-256 {expected}).")
        elif (got := file_digest(path)) != expected:
            problems.append(f"{path} differs: expected SHA-256 {expected}, got {got}.")
    return problems
