"""SHA-256 of files and folders."""

import hashlib
from pathlib import Path

# Of a file: the bytes themselves, or where they are.
Content = bytes | Path


def file_digest(content: Content) -> str:
    """SHA-256 of a file's content."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder."""
    if path.is_file():
        return file_digest(path)
    digest = hashlib.sha256()
    for name, file in files_in(path).items():
        digest.update(f"{name}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()


def files_in(folder: Path) -> dict[str, Path]:
    """All files in a folder and the folders in it, by their path there, in order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): file for file in files}
