"""`ner-plus serve`: pipelines over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages
from ._options import CodePath, GpuId


def serve_cli(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Names or folders of pipelines; NAME=MODEL or NAME@VERSION=MODEL say what "
            "requests call them. The first is meant by who names none",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Where to listen; others than this machine's need --keys")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free")] = 8000,
    workers: Annotated[int, typer.Option(help="Processes, each of which loads all models")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(help="That each process computes with; without it, all cores are shared"),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys, as ner-plus serve-key makes them")
    ] = None,
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option("--allowed-host", metavar="NAME", help="A name of the server; repeatable"),
    ] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME@VERSION=SHARE",
            help="This version answers a share of the requests for NAME; repeatable",
        ),
    ] = None,
    shadow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME@VERSION=SHARE",
            help="This version is asked as well, and where it differs is counted; repeatable",
        ),
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Look at the models' folders, and load what changed"),
    ] = None,
    max_body: Annotated[int, typer.Option(help="Bytes of a request, unpacked")] = 1_000_000,
    max_text: Annotated[int, typer.Option(help="Characters of a text")] = 100_000,
    max_records: Annotated[int, typer.Option(help="Records of a request")] = 1_000,
    request_seconds: Annotated[
        float, typer.Option(help="After which a request is given up")
    ] = 30.0,
    max_wait: Annotated[
        float, typer.Option(help="Seconds of work that may wait before an interactive request")
    ] = 1.5,
    drain_seconds: Annotated[
        float, typer.Option(help="For which requests are still taken after the signal to stop")
    ] = 1.0,
    stop_seconds: Annotated[
        float, typer.Option(help="That what was taken may need then, at most")
    ] = 30.0,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Write texts of requests to the log")
    ] = False,
    warm_up: Annotated[
        bool, typer.Option("--warm-up/--no-warm-up", help="Try pipelines before they are used")
    ] = True,
    gpu_id: GpuId = -1,
    code: CodePath = None,
) -> None:
    """Serve pipelines over HTTP, until SIGTERM or Ctrl-C.

    POST /v1/entities finds entities, /docs tells of all routes. The log is JSON lines on stderr.
    SIGHUP loads the models anew without losing a request.
    """
    with errors_as_messages():
        from .. import serve

        serve(
            models,
            host=host,
            port=port,
            workers=workers,
            threads=threads,
            keys=keys,
            allowed_hosts=allowed_hosts,
            canary=canary,
            shadow=shadow,
            watch=watch,
            max_body=max_body,
            max_text=max_text,
            max_records=max_records,
            request_seconds=request_seconds,
            max_wait=max_wait,
            drain_seconds=drain_seconds,
            stop_seconds=stop_seconds,
            log_texts=log_texts,
            warm_up=warm_up,
            gpu_id=gpu_id,
            code=code,
        )
