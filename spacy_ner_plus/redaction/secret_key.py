"""The secret key of hashes and surrogates: never an argument of a command, which others see."""

import hmac
import os
from hashlib import sha256
from pathlib import Path

from ..support.private_files import check_private

# Of a key that is drawn at random: fewer can be tried out.
MIN_BYTES = 16


def read_key(variable: str | None = None, file: str | Path | None = None) -> bytes | None:
    """The key that an environment variable or a file holds; white space around it is none of it.

    variable (str): The variable's name.
    file (Union[str, Path]): The file, which its owner alone may read (mode 0600).
    RETURNS (Optional[bytes]): The key; None if neither is given.
    RAISES ValueError: Both are given, there is no such variable or file, others may read the file,
        or the key is too short. The key is in no message.
    """
    if variable is not None and file is not None:
        raise ValueError("The key is in one place: give --key-env or --key-file, not both.")
    if variable is not None:
        if variable not in os.environ:
            raise ValueError(f"There is no environment variable {variable} with the key.")
        key = os.fsencode(os.environ[variable])  # the bytes that were set
        return _checked(key, f"the environment variable {variable}")
    if file is not None:
        check_private(Path(file), "the key")
        return _checked(Path(file).read_bytes(), str(file))
    return None


def _checked(key: bytes, place: str) -> bytes:
    return check_key(key.strip(), place)


def check_key(key: bytes, place: str = "key") -> bytes:
    """A key as it is. RAISES ValueError: It has less than MIN_BYTES bytes."""
    if len(key) < MIN_BYTES:
        raise ValueError(
            f"The key in {place} has {len(key)} bytes, but short ones can be tried out: at least "
            f"{MIN_BYTES}, drawn at random, as `openssl rand -hex 32` prints them."
        )
    return key


def keyed_digest(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA-256 of some strings, which no other strings have.

    Each is preceded by its length: that is what tells ("ab", "c") from ("a", "bc").
    """
    data = b"".join(len(part := one.encode("utf8")).to_bytes(8) + part for one in parts)
    return hmac.new(key, data, sha256).digest()


def fingerprint(key: bytes | None) -> str | None:
    """What tells a key from another, and says nothing of it."""
    return None if key is None else keyed_digest(key, "fingerprint").hex()[:16]
