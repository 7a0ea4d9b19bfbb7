"""`ner-plus distil`: a small pipeline that learns what a large one believes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import CodePath, GpuId, TextField, TextsFormat, config_overrides

if TYPE_CHECKING:
    from ..training.distillation.lesson_book import LessonCounts


def distil_cli(
    ctx: typer.Context,
    teacher: Annotated[str, typer.Argument(help="Name or folder of a trained pipeline")],
    config_path: Annotated[
        Path, typer.Argument(help="Config of the student", exists=True, allow_dash=True)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder for the student, checkpoints and lessons"),
    ],
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RAW",
            help="Texts without annotation: .txt, .jsonl, .csv, .tsv, .parquet or .spacy, or a "
            "folder; repeatable",
        ),
    ] = None,
    and_teacher: Annotated[
        list[str] | None,
        typer.Option(
            "--and", metavar="TEACHER", help="A further teacher: their mean is learned; repeatable"
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(help="Share of texts among all documents; without it, all texts are read"),
    ] = None,
    weight: Annotated[
        float, typer.Option(help="Of the teacher beside annotation, from 0 to 1")
    ] = 0.5,
    temperature: Annotated[
        float, typer.Option(help="What scores are divided by: over 1, improbable ones count more")
    ] = 1.0,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what teachers say, to be used again; without it, one in OUTPUT"
        ),
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="The student's component, if there are several")
    ] = None,
    teacher_component: Annotated[
        str | None, typer.Option(help="The teacher's component, if there are several")
    ] = None,
    input_format: TextsFormat = None,
    text_field: TextField = "text",
    code: CodePath = None,
    gpu_id: GpuId = -1,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of steps from one checkpoint to the next; without it, there is one after "
            "every evaluation",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the checkpoint, if there is one")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start from the beginning, whatever is there")
    ] = False,
) -> None:
    """Train a small pipeline on what a large one says about annotated data and raw text.

    What the teacher says is made once and kept in files. Then it is a training as that of ner-plus
    train: it can be killed and continued with --resume, and the config can be overridden:
    --training.max_steps 1000.
    """
    with errors_as_messages():
        from .. import distil

        done = distil(
            [teacher, *(and_teacher or ())],
            config_path,
            output,
            texts=texts,
            share=share,
            weight=weight,
            temperature=temperature,
            cache=cache,
            component=component,
            teacher_component=teacher_component,
            input_format=input_format,
            text_field=text_field,
            overrides=config_overrides(ctx.args),
            code=code,
            gpu_id=gpu_id,
            checkpoint_every=checkpoint_every,
            resume=resume,
            overwrite=overwrite,
        )
    if not done.has_ended:
        raise typer.Exit(130)
    msg.table(_rows(done.lessons), aligns=("l", "r"))
    say.good(f"The student of {' and '.join(done.teachers)} is in {done.output}")


def _rows(lessons: "LessonCounts") -> list[tuple[str, str]]:
    return [
        ("documents", f"{lessons.docs:,}"),
        ("words", f"{lessons.words:,}"),
        ("words taught", f"{lessons.rows:,}"),
        ("cut: not all models tag them", f"{lessons.rows_cut:,}"),
        ("documents split there", f"{lessons.sequences_split:,}"),
        ("lessons on disk", f"{lessons.cache_bytes / 1e6:,.1f} MB"),
    ]
