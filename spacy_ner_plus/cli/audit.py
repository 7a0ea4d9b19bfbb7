"""`ner-plus audit`: what is in annotated data, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.format_option import parse_option
from ..pages.telling import say
from ._errors import errors_as_messages
from ._experiments import KeepModels, Overwrite
from ._options import CodePath, GpuId, config_overrides, prepare
from ._parts import FormatOptions, FromFormat, Group, TokenizerLang

if TYPE_CHECKING:
    from ..audit.label_errors.judges import Judge

WORK = "label_errors"


def audit_cli(
    train: Annotated[
        Path, typer.Argument(help="File or folder with annotated texts, of any format")
    ],
    dev: Annotated[Path | None, typer.Argument(help="Development data, likewise")] = None,
    test: Annotated[Path | None, typer.Argument(help="Test data, likewise")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for audit.json, audit.html and, if any, review.jsonl"
        ),
    ] = None,
    lang: TokenizerLang = "en",
    from_format: FromFormat = None,
    option: FormatOptions = None,
    group: Group = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Repair what is clear, as convert does, and count it")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FOLDER",
            help="Encoder whose wordpieces are counted; without it that in assets/encoder, if it "
            "is there",
        ),
    ] = None,
    near: Annotated[
        float, typer.Option(help="Similarity from which texts are near duplicates")
    ] = 0.8,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FOLDER",
            help="Find likely label errors with a pipeline that was not trained on these data",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Find likely label errors with models that are trained for it, each without the "
            "texts that it judges; in --output, where an interrupted audit goes on",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Config to train them with, in place of one that is made for the data"),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A value of that config, such as training.max_steps=1000; repeatable",
        ),
    ] = None,
    code: CodePath = None,
    gpu_id: GpuId = -1,
    keep_models: KeepModels = False,
    overwrite: Overwrite = False,
    guidelines: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Guidelines with decisions, as ner-plus guidelines drafts them: find what goes "
            "against them",
        ),
    ] = None,
    max_width: Annotated[
        int,
        typer.Option(
            metavar="N", help="Count spans of more tokens than this, in data whose spans nest"
        ),
    ] = 12,
    sections: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Look at these sections only, by the keys of audit.json"),
    ] = None,
) -> None:
    """Audit annotated data, before anyone trains with it.

    Prints what is in the data and what is wrong with it, section by section, and in the end what to
    look at first. --output writes all of it: as JSON, as a page, and as texts to review for
    annotation tools.
    """
    with errors_as_messages():
        from .. import audit_data
        from ..audit.terminal.whole import print_audit
        from ..support.output_folder import check_output_folder

        keys = None if sections is None else [key.strip() for key in sections.split(",")]
        if output is not None:
            check_output_folder(output)
        judge = _judge(
            model,
            folds,
            output,
            config=config,
            overrides=config_overrides([f"--{one}" for one in override or ()]),
            code=code,
            gpu_id=gpu_id,
            keep_models=keep_models,
            overwrite=overwrite,
        )
        audit = audit_data(
            train,
            dev,
            test,
            lang=lang,
            format=from_format,
            options=dict(map(parse_option, option or ())),
            group=group,
            lenient=lenient,
            encoder=encoder,
            near=near,
            judge=judge,
            guidelines=guidelines,
            max_width=max_width,
            sections=keys,
        )
        print_audit(audit.findings)
        if output is not None:
            *names, last = audit.write(output)
            say.good(f"Wrote {', '.join(names)} and {last} to {output}")
        else:
            say.info("Nothing is written: --output FOLDER gives a page and JSON.")


def _judge(
    model: str | None, folds: int | None, output: Path | None, **settings: Any
) -> "Judge | None":
    """Who reads the annotation a second time. RAISES ValueError: The options do not go together."""
    from .. import Folds

    if model is not None and folds is not None:
        raise ValueError("--model and --folds are two ways to do the same: give one of them.")
    if folds is None:
        if any(settings[name] for name in ("config", "overrides", "keep_models", "overwrite")):
            raise ValueError(
                "--config, --override, --keep-models and --overwrite are for models that are "
                "trained: give --folds, too."
            )
        prepare(settings["gpu_id"], settings["code"])
        return model
    if output is None:
        raise ValueError("--folds trains models: give --output FOLDER for their work.")
    return Folds(output / WORK, folds, **settings)
