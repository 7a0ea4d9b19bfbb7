"""Small models that learn what large ones believe."""

from .callback import make_distillation_v1

__all__ = ["make_distillation_v1"]
