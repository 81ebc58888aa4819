"""What can go wrong, one class an exit code. A message is one line: what, where, and what to do next."""


class ConvScopeError(Exception):
    """Base of every error that ConvScope raises on purpose; `exit_code` is what the command returns."""

    exit_code = 1


class UsageError(ConvScopeError):
    """An option or a recipe value that cannot be meant."""

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
    """A device that is not there, or a process group that broke."""

    exit_code = 6


class OutputError(ConvScopeError):
    """Something that could not be written."""

    exit_code = 7


class Interrupted(ConvScopeError):  # noqa: N818 - a stop that was asked for is no error
    """Ctrl-C (130) or SIGTERM (143), after the state was saved."""

    def __init__(self, message: str, exit_code: int = 130):
        super().__init__(message)
        self.exit_code = exit_code


def printable(text: object) -> str:
    r"""`text` for one line of a log, a table or a page: control characters and undecodable bytes become escapes.

    File names may hold anything: a new line in one must not forge a line of the log, and a name that is not UTF-8
    must not stop the report from being written. Right-to-left and bidirectional marks are escaped as well, since they
    can make `exe.jpg` look like another name.
    """
    hidden = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029}
    return "".join(
        c.encode("unicode_escape", "surrogatepass").decode() if ord(c) in hidden or 0xD800 <= ord(c) < 0xE000 else c
        for c in str(text)
    )
