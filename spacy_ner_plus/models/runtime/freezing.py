"""Parts of a pretrained encoder that do not learn."""

from typing import Any

from torch import nn


def freeze(module: nn.Module, depth: str | int | None) -> None:
    """Keep parts of a pretrained encoder as they are.

    depth: None, "encoder" for all of it (the word forms included, but not a mix of its layers), or
        the number of layers, counted from below, that do not learn; the embeddings under them do
        not learn either, but the word forms, which start from nothing, do.
    RAISES ValueError: If the encoder has fewer layers.
    """
    if depth is None:
        return
    encoder: Any = getattr(module, "encoder")  # noqa: B009 (typed as tensor or module)
    if depth == "encoder":
        encoder.requires_grad_(False)
        if encoder.mix is not None:
            encoder.mix.requires_grad_(True)
        return
    if not isinstance(depth, int) or not 0 <= depth <= encoder.n_layers:
        raise ValueError(
            f'freeze = {depth!r} is unknown: use null, "encoder", or a number of layers from 0 '
            f"(embeddings only) to {encoder.n_layers}."
        )
    for name, parameter in encoder.model.named_parameters():
        if encoder.layer_of(name) <= depth:
            parameter.requires_grad_(False)
