"""All models of a server, by name and version, and who answers which request."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from .asked_text import AskedText
from .loaded_model import LoadedModel
from .model_info import ModelInfo
from .model_spec import ModelSpec, TrafficKind, TrafficRule

# Longer than any batch may take: a model that runs for so long hangs.
STUCK_SECONDS = 60.0


class UnknownModelError(ValueError):
    """A model that the server does not have, or not yet."""


@dataclass(eq=False)
class ModelSlot:
    """The place of a model: what is in it may be exchanged.

    spec (ModelSpec): What the command says of it.
    current (LoadedModel): What answers; None as long as nothing is loaded.
    failure (str): Why the last attempt to load it again failed; None if it did not.
    """

    spec: ModelSpec
    current: LoadedModel | None = None
    failure: str | None = None

    @property
    def info(self) -> ModelInfo | None:
        """Of what answers."""
        return None if self.current is None else self.current.info

    @property
    def is_ready(self) -> bool:
        """Whether it answers, and does not hang."""
        if self.current is None:
            return False
        batcher = self.current.batcher
        return batcher.is_alive and batcher.seconds_running < STUCK_SECONDS

    def swap(self, loaded: LoadedModel) -> LoadedModel | None:
        """Let another model answer from now on.

        RETURNS (LoadedModel): The former one, which still finishes what it took.
        """
        former, self.current, self.failure = self.current, loaded, None
        if former is not None:
            former.batcher.close()
        return former


@dataclass(frozen=True)
class Route:
    """Who answers a request.

    slot (ModelSlot): It answers. compared (Tuple[ModelSlot, ...]): They are asked as well, and what
    they say is compared with the answer.
    """

    slot: ModelSlot
    compared: tuple[ModelSlot, ...] = ()


@dataclass
class ModelSet:
    """The models, in the order of the command: the first one of a name is the one that is meant.

    rules (Sequence[TrafficRule]): Who gets a share of the requests that name no version.
    """

    slots: list[ModelSlot]
    rules: Sequence[TrafficRule] = ()
    _shares: list[tuple[TrafficRule, ModelSlot]] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        """Whether all of them answer."""
        return all(slot.is_ready for slot in self.slots)

    def bind(self) -> None:
        """Find the models that rules name, once all are loaded; later they may change version.

        RAISES ValueError: If two have one name and version, or a rule names none or a first one, or
            canaries get more than there is.
        """
        for slot in self.slots:
            if slot.info is not None:
                self.check_apart(slot, slot.info)
        self._shares = [(rule, self._ruled(rule)) for rule in self.rules]
        for name in {rule.name for rule in self.rules}:
            shares = [rule.share for rule in self._of(name, TrafficKind.CANARY)]
            if sum(shares) > 1:
                raise ValueError(f"Canaries of {name} get {sum(shares):g} of its requests in all.")

    def check_apart(self, slot: ModelSlot, info: ModelInfo) -> None:
        """RAISES ValueError: If what a slot is to have is called as another one."""
        for other in self.slots:
            known = other.info
            if other is slot or known is None:
                continue
            if (known.name, known.version) == (info.name, info.version):
                raise ValueError(
                    f"{slot.spec.model} and {other.spec.model} are both {info.name} "
                    f"{info.version}: give one of them another name, NAME={slot.spec.model}, or "
                    f"version, NAME@VERSION={slot.spec.model}."
                )

    def find(self, name: str | None, version: str | None) -> ModelSlot:
        """The model that a request names; the first one if it names none.

        RAISES UnknownModelError: If there is none, or it is not loaded yet.
        """
        named = [slot for slot in self.slots if slot.info is not None]
        if name is None and named:
            first = named[0].info
            name = first.name if first else None
        for slot in named:
            info = slot.info
            if info and info.name == name and version in (None, info.version):
                return slot
        called = [f"{info.name} {info.version}" for slot in named if (info := slot.info)]
        wanted = " ".join(filter(None, (name, version)))
        raise UnknownModelError(
            f"There is no model {wanted!r:.80}. There are: {', '.join(called) or 'none yet'}."
        )

    def route(self, name: str | None, version: str | None, asks: Sequence[AskedText]) -> Route:
        """Who answers a request, by what it names, else by rules and its texts.

        The same texts go to the same version, in every process.

        RAISES UnknownModelError: See find.
        """
        main = self.find(name, version)
        if version is not None or not self._shares or main.info is None:
            return Route(main)
        its = [(rule, slot) for rule, slot in self._shares if rule.name == main.info.name]
        chosen, at = main, 0.0
        drawn = draw(asks, TrafficKind.CANARY)
        for rule, slot in its:
            if rule.kind is TrafficKind.CANARY and slot.is_ready:
                if at <= drawn < at + rule.share:
                    chosen = slot
                at += rule.share
        if chosen is not main:
            return Route(chosen, (main,))
        shadows = [
            slot
            for rule, slot in its
            if rule.kind is TrafficKind.SHADOW and draw(asks, rule.version) < rule.share
        ]
        return Route(main, tuple(slot for slot in shadows if slot.is_ready))

    def _of(self, name: str, kind: TrafficKind) -> list[TrafficRule]:
        return [rule for rule in self.rules if rule.name == name and rule.kind is kind]

    def _ruled(self, rule: TrafficRule) -> ModelSlot:
        try:
            found = self.find(rule.name, rule.version)
        except UnknownModelError as error:
            raise ValueError(f"--{rule.kind}: {error}") from error
        if found is self.find(rule.name, None):
            raise ValueError(
                f"--{rule.kind} {rule.name}@{rule.version}: it is the first of this name, and gets "
                "all other requests. Name another version, or change the order of the models."
            )
        return found


def draw(asks: Sequence[AskedText], salt: str) -> float:
    """A number from 0 to 1 (exclusive) that texts alone decide, evenly over different texts."""
    digest = hashlib.blake2b(digest_size=7, key=salt.encode()[:64])
    for ask in asks:
        digest.update(len(ask.text).to_bytes(8, "big"))
        digest.update(ask.text.encode("utf8"))
    return int.from_bytes(digest.digest(), "big") / 2**56
