"""`ner-plus annotate-llm`: texts annotated by a language model, to be reviewed or trained on."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._options import IdField, TextField, TextsFormat
from ._parts import TokenizerLang


def annotate_llm_cli(
    input: Annotated[
        Path,
        typer.Argument(
            metavar="TEXTS",
            help=".txt file (a document a line), .jsonl, .csv, .tsv, .parquet or .spacy file, or a "
            "folder of .txt or .spacy files",
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="File of any format of annotated texts, best .jsonl, which keeps all of it",
        ),
    ],
    labels: Annotated[
        Path,
        typer.Option(help="YAML file: the entity types, each with a description and examples"),
    ],
    base_url: Annotated[
        str, typer.Option(help="The server's address, such as http://127.0.0.1:8000/v1")
    ],
    model: Annotated[str, typer.Option(help="The model's name on the server")],
    api: Annotated[str, typer.Option(help="chat, or completion for base models")] = "chat",
    key_variable: Annotated[
        str, typer.Option(help="Environment variable with the key, if the server wants one")
    ] = "OPENAI_API_KEY",
    examples: Annotated[
        Path | None,
        typer.Option(help="Annotated texts of any format, of which some are shown with each text"),
    ] = None,
    n_shots: Annotated[int, typer.Option(min=0, help="How many of them")] = 5,
    shots_by: Annotated[
        str,
        typer.Option(
            help="nearest, those most like the text; diverse, those least like each other; "
            "balanced, with as many entities of each type"
        ),
    ] = "nearest",
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Transformer by whose vectors examples are chosen. Without it: by their words",
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="0 for the most probable answer")] = 0.0,
    samples: Annotated[
        int,
        typer.Option(
            min=1,
            help="Answers to each question; the share that has an entity is its probability. "
            "Several need a temperature, such as 0.7",
        ),
    ] = 1,
    log_probabilities: Annotated[
        bool,
        typer.Option(
            "--log-probabilities", help="Probabilities of what was written, if the server has them"
        ),
    ] = False,
    schema: Annotated[
        str,
        typer.Option(
            help="JSON schema of answers: always; never; auto, unless the server refuses it"
        ),
    ] = "auto",
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer")] = 1024,
    chunk_tokens: Annotated[
        int, typer.Option(min=1, help="Longer texts are asked about in pieces of so many tokens")
    ] = 400,
    chunk_overlap: Annotated[
        int, typer.Option(min=0, help="Tokens that pieces have in common")
    ] = 40,
    repeats: Annotated[
        str,
        typer.Option(
            help="What is named once and there several times: in_order, the place that its order "
            "leaves, or none; all, every place"
        ),
    ] = "in_order",
    fuzzy: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=1.0,
            help="How like an entity its place must be, if the text does not have it as it is: 1 - "
            "edits / length; 1 for no differences but case, white space and signs",
        ),
    ] = 0.75,
    check_prompt_length: Annotated[
        bool,
        typer.Option(
            "--check-prompt-length/--no-check-prompt-length",
            help="Throw away answers to prompts that the server has cut, by its count of tokens",
        ),
    ] = True,
    workers: Annotated[int, typer.Option(min=1, help="Requests at once")] = 4,
    timeout: Annotated[float, typer.Option(help="Seconds for a request")] = 120.0,
    max_attempts: Annotated[int, typer.Option(min=1, help="For a request")] = 5,
    extra: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Further fields of requests; null takes one of ours out"),
    ] = None,
    prompt_price: Annotated[
        float, typer.Option(min=0, help="Of a million tokens of prompts")
    ] = 0.0,
    completion_price: Annotated[
        float, typer.Option(min=0, help="Of a million tokens of answers")
    ] = 0.0,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Stop when so much is spent, with what is done kept")
    ] = None,
    max_total_tokens: Annotated[
        int | None, typer.Option(min=0, help="Stop when so many tokens are used, likewise")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="File that keeps all answers. Without it: OUT.answers"),
    ] = None,
    use_cache: Annotated[
        bool, typer.Option("--use-cache/--no-cache", help="Whether answers are kept")
    ] = True,
    lang: TokenizerLang = "en",
    input_format: TextsFormat = None,
    output_format: Annotated[
        str | None, typer.Option(help="Format of annotated texts, if not the suffix's")
    ] = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    batch_size: Annotated[
        int, typer.Option(min=1, help="Documents whose requests are sent together")
    ] = 64,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there")
    ] = False,
) -> None:
    """Annotate texts with a language model, on any server that speaks OpenAI's protocol.

    What it names is found in the text, exactly or not at all: nothing is guessed, and what has no
    place is counted and written to the record's meta. If the process is killed or the budget spent,
    the same command goes on with the answers that are in the cache.
    """
    with errors_as_messages():
        from .. import annotate_llm

        summary = annotate_llm(
            input,
            output,
            labels=labels,
            base_url=base_url,
            model=model,
            examples=examples,
            encoder=encoder,
            lang=lang,
            input_format=input_format,
            output_format=output_format,
            text_field=text_field,
            id_field=id_field,
            cache=cache,
            use_cache=use_cache,
            batch_size=batch_size,
            overwrite=overwrite,
            api=api,
            key_variable=key_variable,
            n_shots=n_shots,
            shots_by=shots_by,
            temperature=temperature,
            samples=samples,
            log_probabilities=log_probabilities,
            schema=schema,
            max_tokens=max_tokens,
            chunk_tokens=chunk_tokens,
            chunk_overlap=chunk_overlap,
            repeats=repeats,
            fuzzy=fuzzy,
            check_prompt_length=check_prompt_length,
            workers=workers,
            timeout=timeout,
            max_attempts=max_attempts,
            extra=extra,
            prompt_price=prompt_price,
            completion_price=completion_price,
            max_cost=max_cost,
            max_total_tokens=max_total_tokens,
        )
    for line in summary.lines():
        typer.echo(line)
    if summary.rejects:
        message = f"Warning: {summary.rejects:,} rows are no texts: see {summary.rejects_file}"
        typer.echo(message, err=True)
    if summary.not_asked:
        typer.echo(
            "Stopped: the budget is spent, and the documents that follow are not in the output. "
            "The same command with a larger one and --overwrite goes on.",
            err=True,
        )
        raise typer.Exit(1)
