"""Named entity recognition for spaCy: a transformer with a CRF, and exact probabilities.

What is listed here is public, and docs/api.md shows each of it; all else may move. Nothing heavy is
imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .about import __version__ as __version__
    from .annotation.displacy_page import render_entities as render_entities
    from .annotation.offsets import set_offset_ents as set_offset_ents
    from .audit.agreement.agree import agreement as agreement
    from .audit.audit_data import audit_data as audit_data
    from .audit.guidelines.draft_guidelines import guidelines as guidelines
    from .audit.label_errors.judges import Folds as Folds
    from .data.augmenters.augment import augment as augment
    from .data.conversion import convert as convert
    from .data.formats.record_files import read as read
    from .data.formats.record_files import write as write
    from .data.splitting.split import split as split
    from .data.vector_files.convert_vectors import convert_vectors as convert_vectors
    from .evaluation.calibrate import calibrate as calibrate
    from .evaluation.comparison.compare import compare as compare
    from .evaluation.comparison.gate import Gate as Gate
    from .evaluation.evaluate import evaluate as evaluate
    from .evaluation.evaluate import read_metrics as read_metrics
    from .evaluation.rule_check.check_rules import check_rules as check_rules
    from .experiments.cross_validate import cross_validate as cross_validate
    from .experiments.learning_curve import learning_curve as learning_curve
    from .nn.crf import CRF as CRF
    from .pipeline.features.explain import explain as explain
    from .pipeline.ner_plus import NerPlus as NerPlus
    from .pipeline.ner_plus.from_checkpoint import from_checkpoint as from_checkpoint
    from .pipeline.rules import NerPlusRules as NerPlusRules
    from .prediction.annotate_llm import annotate_llm as annotate_llm
    from .prediction.onnx_export import export_onnx as export_onnx
    from .prediction.predict import predict as predict
    from .ranking.rank import rank as rank
    from .records import SpanRecord as SpanRecord
    from .records import TextRecord as TextRecord
    from .redaction.leakage import leakage as leakage
    from .redaction.presidio_recognizer import presidio_recognizer as presidio_recognizer
    from .redaction.redact import redact as redact
    from .redaction.redactor import Redactor as Redactor
    from .redaction.unredact import unredact as unredact
    from .serving.security.api_keys import serve_key as serve_key
    from .serving.serve import serve as serve
    from .tags import TagScheme as TagScheme
    from .training.distillation.distil import distil as distil
    from .training.project.init_config import init_config as init_config
    from .training.project.init_project import init_project as init_project
    from .training.train import train as train
    from .weak_labels.weak_label import weak_label as weak_label

# Where each public name is at home. `ner-plus project code` reads this, too.
_HOMES = {
    "CRF": "spacy_ner_plus.nn.crf",
    "Folds": "spacy_ner_plus.audit.label_errors.judges",
    "Gate": "spacy_ner_plus.evaluation.comparison.gate",
    "NerPlus": "spacy_ner_plus.pipeline.ner_plus",
    "NerPlusRules": "spacy_ner_plus.pipeline.rules",
    "Redactor": "spacy_ner_plus.redaction.redactor",
    "SpanRecord": "spacy_ner_plus.records",
    "TagScheme": "spacy_ner_plus.tags",
    "TextRecord": "spacy_ner_plus.records",
    "__version__": "spacy_ner_plus.about",
    "augment": "spacy_ner_plus.data.augmenters.augment",
    "audit_data": "spacy_ner_plus.audit.audit_data",
    "agreement": "spacy_ner_plus.audit.agreement.agree",
    "annotate_llm": "spacy_ner_plus.prediction.annotate_llm",
    "calibrate": "spacy_ner_plus.evaluation.calibrate",
    "check_rules": "spacy_ner_plus.evaluation.rule_check.check_rules",
    "compare": "spacy_ner_plus.evaluation.comparison.compare",
    "convert": "spacy_ner_plus.data.conversion",
    "convert_vectors": "spacy_ner_plus.data.vector_files.convert_vectors",
    "cross_validate": "spacy_ner_plus.experiments.cross_validate",
    "distil": "spacy_ner_plus.training.distillation.distil",
    "evaluate": "spacy_ner_plus.evaluation.evaluate",
    "explain": "spacy_ner_plus.pipeline.features.explain",
    "export_onnx": "spacy_ner_plus.prediction.onnx_export",
    "from_checkpoint": "spacy_ner_plus.pipeline.ner_plus.from_checkpoint",
    "guidelines": "spacy_ner_plus.audit.guidelines.draft_guidelines",
    "init_config": "spacy_ner_plus.training.project.init_config",
    "init_project": "spacy_ner_plus.training.project.init_project",
    "leakage": "spacy_ner_plus.redaction.leakage",
    "learning_curve": "spacy_ner_plus.experiments.learning_curve",
    "predict": "spacy_ner_plus.prediction.predict",
    "presidio_recognizer": "spacy_ner_plus.redaction.presidio_recognizer",
    "rank": "spacy_ner_plus.ranking.rank",
    "read": "spacy_ner_plus.data.formats.record_files",
    "read_metrics": "spacy_ner_plus.evaluation.evaluate",
    "redact": "spacy_ner_plus.redaction.redact",
    "render_entities": "spacy_ner_plus.annotation.displacy_page",
    "serve": "spacy_ner_plus.serving.serve",
    "serve_key": "spacy_ner_plus.serving.security.api_keys",
    "set_offset_ents": "spacy_ner_plus.annotation.offsets",
    "split": "spacy_ner_plus.data.splitting.split",
    "train": "spacy_ner_plus.training.train",
    "unredact": "spacy_ner_plus.redaction.unredact",
    "weak_label": "spacy_ner_plus.weak_labels.weak_label",
    "write": "spacy_ner_plus.data.formats.record_files",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next time it is found without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
