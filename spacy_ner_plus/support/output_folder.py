"""Folders that results go to: looked at before the work is done, not after it."""

import os
from pathlib import Path


def check_output_folder(folder: Path) -> None:
    """Find out whether a folder is there that can be written to, or can be made.

    RAISES ValueError: If it, or what it would be in, is a file or can't be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: --output takes a folder.")
    absolute = folder.absolute()
    there = next(one for one in (absolute, *absolute.parents) if one.exists())
    if not there.is_dir():
        raise ValueError(f"{folder} can't be made, as {there} is a file: name another --output.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{there} can't be written to: name another --output, or permit it.")
