"""Say which files could not be used, and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..errors import DataError, printable

log = logging.getLogger("convscope")


def report_skipped(skipped: Sequence[tuple[str, str]], strict: bool = False) -> None:
    """Log one warning per skipped file and their number; with `strict`, raise DataError if there are any."""
    for name, reason in skipped:
        log.warning("skipped %s: %s", printable(name), reason)
    if len(skipped) > 1:
        log.warning("%d files skipped in all", len(skipped))
    if skipped and strict:
        raise DataError(f"{len(skipped)} files could not be used, and --strict was given: repair or remove them")
