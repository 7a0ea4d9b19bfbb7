"""Models are loaded, and exchanged for new ones without a request being lost."""

import asyncio
import gc
import logging
from collections.abc import Callable

from .loaded_model import LoadedModel
from .model_set import ModelSet, ModelSlot
from .model_spec import ModelSpec

logger = logging.getLogger("spacy_ner_plus.serving")


def freeze() -> None:
    """Have the garbage collector leave alone what is there: models are large, and stay."""
    gc.unfreeze()  # what was frozen with a former model
    gc.collect()
    gc.freeze()


class Reloader:
    """Loads the models of a set. Its coroutines run in one event loop.

    load (Callable[[ModelSpec], LoadedModel]): Begins to load one.
    on_reload (Callable[[bool], None]): Is told of each model that was loaded again, or was not.
    """

    def __init__(
        self,
        models: ModelSet,
        load: Callable[[ModelSpec], LoadedModel],
        on_reload: Callable[[bool], None] = lambda is_well: None,
    ) -> None:
        self._models = models
        self._load = load
        self._on_reload = on_reload
        self._lock = asyncio.Lock()
        self._is_next = False

    async def load_all(self) -> None:
        """Load all models for the first time, one after the other.

        RAISES ValueError: If one can't be loaded, or they don't go together.
        """
        async with self._lock:
            for slot in self._models.slots:
                loaded = self._load(slot.spec)
                try:
                    await _ready(loaded)
                except Exception as error:
                    raise ValueError(f"{slot.spec.model}: {error}") from error
                slot.swap(loaded)
            self._models.bind()
            freeze()

    async def reload(self, slots: list[ModelSlot] | None = None) -> None:
        """Load models anew, beside those that answer, and exchange them.

        If one can't be loaded, the one that is there goes on, and the log says so. Where all are
        about to be loaded anyhow, nothing more is done.

        slots: Those to load; None for all.
        """
        if slots is None and self._is_next:
            return
        self._is_next = self._is_next or slots is None
        async with self._lock:
            self._is_next = False
            for slot in self._models.slots if slots is None else slots:
                is_well = await self._exchange(slot)
                self._on_reload(is_well)
            await asyncio.to_thread(freeze)

    async def _exchange(self, slot: ModelSlot) -> bool:
        loaded = self._load(slot.spec)
        try:
            await _ready(loaded)
            self._models.check_apart(slot, loaded.info)
        except Exception as error:
            slot.failure = f"{type(error).__name__}: {error}"
            loaded.batcher.close()
            fields = {"model": slot.spec.model, "reason": slot.failure}
            logger.error("reload failed", extra={"fields": fields})
            return False
        former = slot.swap(loaded)
        fields = {"model": loaded.info.name, "version": loaded.info.version}
        logger.info("reloaded", extra={"fields": fields})
        if former is not None:
            await asyncio.to_thread(former.batcher.join)
        return True


async def _ready(loaded: LoadedModel) -> None:
    """Wait until a model answers. RAISES Exception: What went wrong, of any kind."""
    await asyncio.wrap_future(loaded.batcher.ready)
