"""What servers tell of themselves: models, whether they are alive and ready."""

from ..pipelines.model_set import ModelSet, ModelSlot
from .entities_schema import ModelDescription, ModelsAnswer

# A thread that has been at one batch for so long does not come back.
_DEAD_SECONDS = 600.0


def describe_models(models: ModelSet) -> ModelsAnswer:
    """Those that are loaded."""
    return ModelsAnswer(models=[_describe(slot) for slot in models.slots if slot.info is not None])


def _describe(slot: ModelSlot) -> ModelDescription:
    info = slot.info
    if info is None:
        raise ValueError(f"{slot.spec.model} is not loaded.")
    return ModelDescription(
        name=info.name,
        version=info.version,
        lang=info.lang,
        labels=list(info.labels),
        scores=info.scores,
        data_version=info.data_version,
        sha256=info.sha256,
        nested=info.source.may_nest,
        alternatives=info.has_alternatives,
        max_characters=info.max_characters,
        is_ready=slot.is_ready,
        reload_failed=slot.failure is not None,
    )


def is_live(models: ModelSet) -> bool:
    """Whether another start would not help: not a question of how much there is to do."""
    loaded = [slot.current.batcher for slot in models.slots if slot.current is not None]
    return all(one.is_alive and one.seconds_running < _DEAD_SECONDS for one in loaded)
