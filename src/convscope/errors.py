"""The errors, one class per exit code. A message is one line that says what, where and what to do."""

from importlib.util import find_spec


class ConvScopeError(Exception):
    """Base class of every error that ConvScope raises on purpose; `exit_code` is what the command returns."""

    exit_code = 1


class UsageError(ConvScopeError):
    """An option or a recipe value that is wrong."""

    exit_code = 2


class DataError(ConvScopeError):
    """Images, labels or a data set that cannot be used."""

    exit_code = 3


class ModelFileError(ConvScopeError):
    """A classifier, checkpoint or network name that cannot be loaded or does not fit."""

    exit_code = 4


class DivergedError(ConvScopeError):
    """The loss became NaN or infinite."""

    exit_code = 5


class DeviceError(ConvScopeError):
    """A device that does not exist, or a process group that failed."""

    exit_code = 6


class OutputError(ConvScopeError):
    """A file or folder that could not be written, or an address that could not be used."""

    exit_code = 7


class Interrupted(ConvScopeError):  # noqa: N818 - a requested stop is no error
    """Ctrl-C (exit code 130) or SIGTERM (143), raised after the state was saved."""

    def __init__(self, message: str, exit_code: int = 130):
        super().__init__(message)
        self.exit_code = exit_code


def require_extra(extra: str, module: str, what: str) -> None:
    """UsageError with the command to install it if `module`, which `what` needs and `extra` brings, is missing."""
    if find_spec(module) is None:
        raise UsageError(f"{what}: pip install 'convscope[{extra}]'")


def printable(text: object) -> str:
    r"""Return `text` fit for one line of a log, table or page: control characters and invalid bytes are escaped.

    File names may contain anything: a line break in one must not forge a line of the log, and a name that is not UTF-8
    must not prevent the report from being written. Bidirectional marks are escaped as well, since they can make
    `exe.jpg` look like another name.
    """
    hidden = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029}
    return "".join(
        c.encode("unicode_escape", "surrogatepass").decode() if ord(c) in hidden or 0xD800 <= ord(c) < 0xE000 else c
        for c in str(text)
    )
