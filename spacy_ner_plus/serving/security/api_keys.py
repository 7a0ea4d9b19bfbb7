"""Keys of clients. Their file holds hashes alone: who reads it can't use them."""

import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from ...support.durable import written_whole
from ...support.typed_json import from_json

logger = logging.getLogger("spacy_ner_plus.serving")

PREFIX = "nerp_"
_BYTES = 32
_VERSION = 1
_LOOK_SECONDS = 1.0  # how often the file is looked at


class Scope(StrEnum):
    """What a key is for."""

    ENTITIES = "entities"
    METRICS = "metrics"
    ADMIN = "admin"


@dataclass(frozen=True)
class StoredKey:
    """A key, as its file has it.

    name (str): What people call it; it is in the log.
    sha256 (str): Of the key. It is of 256 random bits: nothing slower is needed.
    scopes (List[str]): What it is for.
    created (str): When it was made. expires (Optional[str]): When it ends, in ISO 8601 with zone.
    """

    name: str
    sha256: str
    scopes: list[str]
    created: str
    expires: str | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.scopes) - set(Scope)):
            raise ValueError(f"The key {self.name!r} has unknown scopes: {unknown}.")
        if self.expires is not None and datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"The key {self.name!r} expires at a time without a zone.")

    def is_over(self) -> bool:
        """Whether its time has ended."""
        return self.expires is not None and datetime.fromisoformat(self.expires) <= datetime.now(
            UTC
        )


@dataclass(frozen=True)
class KeyFile:
    """What a file of keys holds."""

    version: int
    keys: list[StoredKey]


def serve_key(
    keys: str | Path,
    *,
    name: str,
    scopes: Iterable[str] | None = None,
    days: float | None = None,
) -> str:
    """Make a key for clients of a server, and add its hash to a file.

    A server that runs takes it within a second. To take a key back, delete its entry in the file.

    keys (str / Path): The file; made if it is not there, for nobody else to read.
    name (str): What people call the key: who or what it is for.
    scopes (Iterable[str]): What it is for: "entities", as without any, "metrics", "admin".
    days (float): After how many it ends; None for never.
    RETURNS (str): The key. It is not kept anywhere.
    RAISES ValueError: If there is a key of this name, a scope is unknown, or the file can't be
        used.
    """
    path = Path(keys)
    scopes = [str(scope) for scope in scopes or (Scope.ENTITIES,)]
    if not name or not name.isprintable() or len(name) > 100:
        raise ValueError(f"The name of a key, {name!r:.120}, must be of 1 to 100 characters.")
    if unknown := sorted(set(scopes) - set(Scope)):
        raise ValueError(f"Scopes are {', '.join(Scope)}, got {', '.join(unknown)}.")
    if days is not None and not days > 0:
        raise ValueError(f"days = {days} must be above 0.")
    there = read_keys(path) if path.exists() else []
    if name in {key.name for key in there}:
        raise ValueError(f"{path} has a key {name!r} already: name it otherwise, or delete that.")
    key = PREFIX + secrets.token_urlsafe(_BYTES)
    now = datetime.now(UTC)
    ends = None if days is None else (now + timedelta(days=days)).isoformat(timespec="seconds")
    made = StoredKey(name, _digest(key), scopes, now.isoformat(timespec="seconds"), ends)
    with written_whole(path) as unfinished:
        text = json.dumps(asdict(KeyFile(_VERSION, [*there, made])), indent=2)
        unfinished.touch(mode=0o600)
        unfinished.write_text(f"{text}\n", encoding="utf8")
    return key


def read_keys(path: Path) -> list[StoredKey]:
    """RAISES ValueError: If it is no file of keys, or others may write to it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"The keys in {path} can't be read: {error}") from error
    if os.name != "nt" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError(f"Others may write to {path}, and so let themselves in: chmod 600 {path}")
    try:
        found = from_json(KeyFile, json.loads(text), str(path))
    except ValueError as error:
        raise ValueError(
            f"{path} is no file of keys, as ner-plus serve-key makes it: {error}"
        ) from (error)
    if found.version != _VERSION:
        raise ValueError(f"{path} has version {found.version}, but this program reads {_VERSION}.")
    return found.keys


class KeyRing:
    """The keys of a file, as it is now.

    path (Path): The file. When it changes, it is read again; if it can't be, the keys that were
        read before hold on, and if it is gone, none does.
    RAISES ValueError: If it can't be read the first time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = read_keys(path)
        self._state = self._look()
        self._looked = time.monotonic()

    def find(self, key: str) -> StoredKey | None:
        """The entry of a key that holds, in a time that does not depend on which it is."""
        self._refresh()
        digest = _digest(key)
        found = None
        for stored in self._keys:
            if hmac.compare_digest(stored.sha256, digest):
                found = stored
        return None if found is None or found.is_over() else found

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        state = self._look()
        if state == self._state:
            return
        self._state = state
        try:
            self._keys = [] if state is None else read_keys(self._path)
            logger.info("keys read", extra={"fields": {"keys": len(self._keys)}})
        except ValueError as error:
            logger.error("keys not read", extra={"fields": {"reason": str(error)}})

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf8", "surrogateescape")).hexdigest()
