"""`ner-plus leakage`: what redaction would leave visible of annotated texts."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._options import CodePath, GpuId, RedactionLabels, SpansKey, parse_labels, prepare


def leakage_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a pipeline")],
    data: Annotated[Path, typer.Argument(help="Annotated texts, in any format of `convert`")],
    labels: RedactionLabels = None,
    thresholds: Annotated[
        list[float] | None,
        typer.Option("--threshold", metavar="P", help="A threshold of redaction; repeatable"),
    ] = None,
    repeated: Annotated[
        bool,
        typer.Option(help="Take all else in a text that has the words of an entity, too"),
    ] = True,
    spans_key: SpansKey = None,
    format: Annotated[
        str | None, typer.Option(help="Format of DATA, if it is not recognised")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")] = False,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Measure what redaction leaves visible of the entities of annotated texts.

    By type and threshold: entities and characters of them that stay visible, and characters of
    anything else that go.
    """
    with errors_as_messages():
        from .. import leakage
        from ..redaction.redaction_terminal import leakage_json, print_leakage

        prepare(gpu_id, code)
        done = leakage(
            model,
            data,
            labels=parse_labels(labels),
            thresholds=thresholds,
            repeated=repeated,
            spans_key=spans_key,
            format=format,
        )
    if json:
        typer.echo(leakage_json(done))
    else:
        print_leakage(done)
