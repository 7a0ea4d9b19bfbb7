"""The log: a line of JSON for each event. No text is in it, unless somebody asks for that."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, Any

NAME = "spacy_ner_plus.serving"


class LogLines(logging.Formatter):
    """A record as a line of JSON, in ASCII: nothing that a client sent can begin a line of its own.

    What is given as extra={"fields": {...}} has keys of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        row: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            row["error"] = type(record.exc_info[1]).__name__  # its words may be of a text
        return json.dumps(row, default=str)


def begin_log(stream: IO[str] | None = None) -> None:
    """Write what servers tell to a stream: stderr if none is given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LogLines())
    # those too that could write words of an error elsewhere
    for name in ("spacy_ner_plus", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    logging.getLogger(NAME).setLevel(logging.INFO)
