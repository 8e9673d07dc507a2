"""The way in and the ways out: exit codes, errors, interruption."""

import io
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from xai_heatmap.apps.cli.app import COMMANDS, app
from xai_heatmap.apps.cli.terminal import Stopped, log, print_json, safe
from xai_heatmap.core.errors import UsageError, XaiHeatmapError

PARSING: type[Exception] = typer.BadParameter.__mro__[2]
"""ClickException, which Typer keeps to itself since 0.20."""

INTERRUPTED = 130
TERMINATED = 143


QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
"""Keeps the frameworks' own start-up lines out of stderr; what is set already stays."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code.

    0: all went well. 1: some pictures failed. 2: the call is off. 3: the model. 4: a picture, or
    where the result goes. 5: a requirement of an audit is not met. 130: interrupted. 143: told to
    end, as time limits and containers do; a result that was being written is taken back first.
    """
    words = _plain(sys.argv[1:] if arguments is None else arguments)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? for a bar
    with warnings.catch_warnings(), _ending_tidily():
        warnings.showwarning = _warned
        if not words:
            _finished(["--help"])
            return UsageError.exit_code
        return _finished(words)


def _plain(arguments: Sequence[str]) -> list[str]:
    """The words of the call: ``export html`` and ``export web`` say the kind of what is written.

    A page's ending says the first too; the second is ``--web``.
    """
    words = list(arguments)
    if words[:2] == ["export", "html"] and len(words) > 3 and words[3].endswith((".html", ".htm")):
        return [words[0], *words[2:]]
    if words[:2] == ["export", "web"] and len(words) > 2:
        return [words[0], *words[2:], "--web"]
    return words


class _Terminated(BaseException):
    """SIGTERM as an exception: what is being written is taken back on the way out."""


@contextmanager
def _ending_tidily() -> Iterator[None]:
    """A block in which SIGTERM raises; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _finished(words: list[str]) -> int:
    try:
        code = app(words, standalone_mode=False, prog_name="xai-heatmap") or 0
        return _interrupted() if code == INTERRUPTED else code
    except Stopped as stopped:
        return _interrupted(str(stopped))
    except XaiHeatmapError as error:
        return _failed(error.code, str(error), error.exit_code, error, words)
    except PARSING as error:
        said = error.format_message().rstrip()  # type: ignore[attr-defined] - ClickException has it
        said = said if said.endswith((".", "?")) else f"{said}."
        told = f"{said} Try: xai-heatmap {_command(words)}--help"
        return _failed(UsageError.code, told, UsageError.exit_code, error, words)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except _Terminated:
        sys.stderr.write("terminated\n")
        return TERMINATED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # no complaint at exit
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback unasked
        told = (
            f"{type(error).__name__}: {str(error).rstrip('.')}. This is a bug in xai-heatmap, not "
            "a fault of yours. Run the command again with --debug and report what it prints."
        )
        return _failed("XH000", told, 1, error, words)


def _interrupted(said: str = "interrupted") -> int:
    """Say in one line that the call was stopped; Typer answers 130 of Ctrl-C, without a word."""
    wiped = "\r\x1b[K" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{wiped}{safe(said)}\n")
    return INTERRUPTED


def _failed(code: str, message: str, exit_code: int, error: Exception, words: Sequence[str]) -> int:
    if "--debug" in words:
        traceback.print_exception(error)
    if "--json" in words:
        print_json({"error": {"code": code, "message": message}})
    else:
        log(f"error {code}: {message}")
    return exit_code


def _command(words: Sequence[str]) -> str:
    return next((f"{word} " for word in words if word in COMMANDS), "")


def _warned(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    log(f"warning: {message}")
