"""The manifest: size and SHA-256 of each file that was saved, compared before any of them is read.

It tells a damaged or incomplete copy from a whole one, and names the file. It is no signature: who
can change a file can change the manifest too. So nothing that is read after it trusts the content.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ...about import __version__
from ...support.digests import Content as Content
from ...support.file_manifest import Fingerprint, Wording, find_problems
from .migration import FORMAT, check_format

MANIFEST = "manifest.json"
WHAT_TO_DO = (
    "Copy or download all of it again, or save the pipeline anew with nlp.to_disk. (git may change "
    "the line ends of text files: keep it from that.)"
)
WORDING = Wording(
    added=f"was not there when {MANIFEST} was written",
    size="has {found} bytes, but {expected} were saved",
    sha256="has the SHA-256 {found:.16}..., but what was saved has {expected:.16}...",
)


def make_manifest(files: Mapping[str, Content]) -> bytes:
    """The manifest of some files by name, as JSON."""
    manifest = {
        "format": FORMAT,
        "saved_by": __version__,
        "files": {name: Fingerprint.of(files[name])._asdict() for name in sorted(files)},
    }
    return json.dumps(manifest, indent=2).encode("utf8")


def verify(
    manifest: Content,
    files: Mapping[str, Content],
    *,
    known: frozenset[str],
    left_out: frozenset[str] = frozenset(),
) -> None:
    """Compare files with their manifest. Nothing is opened that is not in `files`.

    files: By name; all that will be read.
    known: The names that such a manifest may have. Those that are in it must be in `files`.
    left_out: Further names that it may have, of files that nobody asks for.
    RAISES ValueError: If the manifest can't be read or is of a newer format, or if a file is
        missing, was added, or is not the one that was saved.
    """
    recorded = _read(manifest)
    strange = sorted(set(recorded) - known - left_out)
    if strange:
        raise ValueError(
            f"{describe(MANIFEST, manifest)} lists {_shorten(strange[0])}, which is no file of "
            "this component: it was not written by this package, and nothing was loaded."
        )
    asked = {name: recorded[name] for name in known & set(recorded)}
    for name, problem in find_problems(asked, files, WORDING):
        where = manifest.parent / name if isinstance(manifest, Path) else None
        raise damage(name, files.get(name, where), problem)


def _read(manifest: Content) -> dict[str, Fingerprint]:
    content = manifest.read_bytes() if isinstance(manifest, Path) else manifest
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damage(MANIFEST, manifest, f"is no JSON: {error}") from error
    if isinstance(found, dict) and "format" in found:
        check_format(found["format"], MANIFEST, saved_by=found.get("saved_by"))
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(map(_is_record, files.values())):
        raise damage(MANIFEST, manifest, "has no sizes and hashes of files")
    return {name: Fingerprint(file["size"], file["sha256"]) for name, file in files.items()}


def _is_record(record: object) -> bool:
    return (
        isinstance(record, dict)
        and type(record.get("size")) is int
        and isinstance(record.get("sha256"), str)
    )


def damage(name: str, content: Content | None, what: str) -> ValueError:
    """The error that says which file is wrong, how, and what to do."""
    return ValueError(
        f"The saved pipeline is damaged: {describe(name, content)} {what}. {WHAT_TO_DO}"
    )


def describe(name: str, content: Content | None) -> str:
    """A file's path if it has one, or else its name."""
    return str(content) if isinstance(content, Path) else name


def _shorten(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:77]}...")
