"""What the command line does with an error: one clear message, the right exit code, a log for what nobody foresaw."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal

import typer

from unfreeze.errors import UnfreezeError

__all__ = ["ISSUES", "ErrorReporter", "refuse"]

ISSUES = "the project's issue tracker"

# Typer itself prints what is wrong with an option (exit 2), and is quiet when the reader of a pipe has gone.
_TYPER_ENDS_WELL = (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError)

_INTERRUPTED = 130
_TERMINATED = 143


class ErrorReporter:
    """Context in which a verb runs: turns what escapes from it into a message on stderr and an exit code.

    `UnfreezeError` and its kin end with their own code (`InputError` with 2), Ctrl-C with 130, SIGTERM with 143 and
    anything unforeseen with 1 and a traceback in a log file. With `debug` the traceback is printed, too.

    Attributes
    ----------
    kept
        What a run that is stopped leaves behind; a verb that writes as it goes sets it.
    smaller
        What to do when memory is short.
    """

    def __init__(
        self, *, debug: bool = False, smaller: str = "Ask for fewer frames (-n), or for some of the chains (--chains)."
    ) -> None:
        self.debug = debug
        self.smaller = smaller
        self.kept = "nothing was written."

    def __enter__(self) -> ErrorReporter:
        # As an exception, so that half-written folders are removed on the way out.
        self._previous = signal.signal(signal.SIGTERM, _terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        signal.signal(signal.SIGTERM, self._previous)
        if isinstance(error, KeyboardInterrupt):
            _say(f"Interrupted; {self.kept}")
            raise typer.Exit(_INTERRUPTED) from None
        if isinstance(error, SystemExit) and error.code == _TERMINATED:
            _say(f"Terminated; {self.kept}")
        if not isinstance(error, Exception) or isinstance(error, _TYPER_ENDS_WELL):
            return False
        if self.debug:
            traceback.print_exception(error)
        if isinstance(error, UnfreezeError):
            _say(f"Error: {error}")
            raise typer.Exit(error.exit_code) from None
        if isinstance(error, MemoryError):
            _say(f"Error: out of memory. {self.smaller}")
            raise typer.Exit(1) from None
        if isinstance(error, OSError) and (error.filename is not None or error.errno in (errno.ENOSPC, errno.EDQUOT)):
            _say(f"Error: {error.filename or 'writing the results'}: {error.strerror}")
            raise typer.Exit(1) from None
        _apologise(error)
        raise typer.Exit(1) from None


def refuse(option: str, found: object, expected: str) -> typer.BadParameter:
    """Error for the value of an option: what was found and what was expected, for the caller to raise."""
    return typer.BadParameter(f"{found!r}; expected {expected}", param_hint=option)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _apologise(error: Exception) -> None:
    log = _write_log(error)
    where = f"The details are in {log}." if log else "The details could not be written to a log file."
    _say(
        f"Sorry, unfreeze has failed in a way that it should not: {type(error).__name__}: {error}\n"
        f"{where} Please report it with that file and the command to {ISSUES}; "
        f"`unfreeze --debug ...` shows the traceback here."
    )


def _write_log(error: Exception) -> Path | None:
    import platformdirs

    import unfreeze

    now = datetime.now(UTC)
    try:
        folder = Path(os.environ.get("UNFREEZE_LOG") or platformdirs.user_log_dir("unfreeze"))
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"error-{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
        text = "".join(traceback.format_exception(error))
        log.write_text(
            f"unfreeze {unfreeze.__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
            f"{now:%Y-%m-%dT%H:%M:%SZ}\n{' '.join(sys.argv)}\n\n{text}",
            encoding="utf-8",
        )
    except OSError:
        return None
    return log
