"""The log as JSON: one object per line, of requests, warnings and errors."""

from __future__ import annotations

import datetime
import json
import logging
import sys


class JsonHandler(logging.Handler):
    """Writes every record as one line of JSON on the stderr of that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        print(json.dumps(line), file=sys.stderr, flush=True)


def log_as_json() -> None:
    """Write the log of this process as JSON, with a line for each request."""
    root = logging.getLogger()
    root.handlers[:] = [JsonHandler()]
    logging.getLogger("convscope").setLevel(logging.INFO)
