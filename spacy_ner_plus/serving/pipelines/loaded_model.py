"""A pipeline that is loaded, or about to be, with the thread that owns it."""

from collections.abc import Callable
from dataclasses import dataclass

from ...pipeline.preparing import load_pipeline, use_gpu
from ...pipeline.processor_share import limit_buckets
from ..batching.admission import DEFAULT_LIMITS, BatchLimits
from ..batching.batcher import Batcher, BatchReport
from .asked_text import AskedText, FoundEntities
from .model_info import ModelInfo
from .model_spec import ModelSpec
from .pipeline_engine import PipelineEngine

# Of an encoder's bucket, after which a long text lets others have their turn: with MiniLM in fp32
# on two cores, less than a quarter of a second.
_PIECES = 1024


@dataclass(frozen=True)
class LoadSettings:
    """How pipelines are loaded.

    limits (BatchLimits): Of each.
    gpu_id (int): For components that need CuPy; -1 for none.
    warms_up (bool): Whether they are tried before they are used.
    """

    limits: BatchLimits = DEFAULT_LIMITS
    gpu_id: int = -1
    warms_up: bool = True


class LoadedModel:
    """A pipeline. It is loaded by the thread that owns it, from the moment this is made.

    Attributes:
        batcher (Batcher): What takes texts for it; its `ready` tells when it does.
        info (ModelInfo): What there is to say of it, once it is ready.
    """

    info: ModelInfo

    def __init__(
        self,
        spec: ModelSpec,
        settings: LoadSettings,
        on_batch: Callable[[ModelInfo, BatchReport], None] = lambda info, report: None,
    ) -> None:
        self._spec = spec
        self._settings = settings
        self.batcher: Batcher[AskedText, FoundEntities] = Batcher(
            self._load,
            settings.limits,
            lambda report: on_batch(self.info, report),
            name=spec.name or spec.model,
        ).start()

    def _load(self) -> PipelineEngine:
        use_gpu(self._settings.gpu_id, silent=True)  # thinc keeps it for each thread
        nlp = load_pipeline(self._spec.model)
        limit_buckets(nlp, _PIECES)
        engine = PipelineEngine(
            nlp, self._spec.name, self._spec.version, warms_up=self._settings.warms_up
        )
        self.info = engine.info
        return engine
