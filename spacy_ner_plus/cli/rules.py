"""`ner-plus rules check`: what rules find in annotated data, rule by rule."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._options import CodePath, Tokens, prepare


def check_cli(
    rules: Annotated[
        str,
        typer.Argument(
            help="File of rules (.jsonl, .csv, .tsv, .txt), or name or folder of a pipeline with "
            "ner_plus_rules"
        ),
    ],
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    component: Annotated[
        str | None, typer.Option(help="Name of the component, if the pipeline has several of rules")
    ] = None,
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer takes the phrases of a file apart")
    ] = "en",
    label: Annotated[
        str | None, typer.Option(help="Entity type of the rules of a file that say none")
    ] = None,
    tokens: Tokens = "reference",
    sort: Annotated[
        str, typer.Option(help="hits, wrong, precision, recall, never or name")
    ] = "hits",
    spans_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Take annotated entities of doc.spans[KEY], where they may nest, and not doc.ents",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables")] = False,
    code: CodePath = None,
) -> None:
    """Check rules on annotated data.

    Prints for each rule, or list of phrases, its hits, how many of them are right, and how many of
    the annotated entities of its type it hits; what never matches, what conflicts, and regexes that
    took too long.
    """
    with errors_as_messages():
        from .. import check_rules
        from ..evaluation.rule_check.rule_terminal import print_rule_check, rule_check_json

        prepare(-1, code)
        check = check_rules(
            rules,
            data,
            component=component,
            lang=lang,
            label=label,
            tokens=tokens,
            sort=sort,
            spans_key=spans_key,
        )
        if json:
            typer.echo(rule_check_json(check))
        else:
            print_rule_check(check)
