"""Which pipelines a server has, and who gets which: what its arguments say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from .model_info import check_name


@dataclass(frozen=True)
class ModelSpec:
    """A pipeline to serve.

    model (str): Its name or folder.
    name, version (str): What requests call it; None for what its meta.json says.
    """

    model: str
    name: str | None = None
    version: str | None = None

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Read MODEL, NAME=MODEL or NAME@VERSION=MODEL. RAISES ValueError: If it is none."""
        called, equals, model = argument.rpartition("=")
        if not model or (equals and not called):
            raise ValueError(
                f"{argument!r} must be the name or folder of a pipeline, NAME=MODEL, or "
                "NAME@VERSION=MODEL."
            )
        if not equals:
            return cls(model)
        name, version = read_called(called)
        return cls(model, name, version)


def read_called(called: str) -> tuple[str, str | None]:
    """Read NAME or NAME@VERSION. RAISES ValueError: If it is neither."""
    name, at, version = called.partition("@")
    check_name("The name of a pipeline", name)
    if at:
        check_name("The version of a pipeline", version)
    return name, version if at else None


class TrafficKind(StrEnum):
    """What a share of the requests is for.

    A canary answers them; a shadow is asked as well, and what it says is compared alone.
    """

    CANARY = "canary"
    SHADOW = "shadow"


@dataclass(frozen=True)
class TrafficRule:
    """A share of the requests for a name, for one of its versions that is not the first.

    share (float): From 0 to 1.
    """

    kind: TrafficKind
    name: str
    version: str
    share: float

    @classmethod
    def parse(cls, kind: TrafficKind, argument: str) -> Self:
        """Read NAME@VERSION=SHARE. RAISES ValueError: If it is none."""
        called, _, share = argument.rpartition("=")
        name, version = read_called(called)
        try:
            number = float(share)
        except ValueError:
            number = -1.0
        if version is None or not 0 <= number <= 1:
            raise ValueError(
                f"--{kind} {argument} must be NAME@VERSION=SHARE, with a share from 0 to 1."
            )
        return cls(kind, name, version, number)
