"""Blame for an exception: ours, or that of the model that was running."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from xai_heatmap.core.errors import ModelFailed, XaiHeatmapError
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.networks.loading.loaded import first_line

OURS = "xai_heatmap"
RUNS_MODELS = f"{OURS}.networks."
"""Modules that call what is not ours to run a model."""


@contextmanager
def running(name: str) -> Iterator[None]:
    """A block in which the model `name` runs: what the model raises becomes an error in words.

    A model that changes the working directory changes no path of ours.

    Raises
    ------
    ModelFailed
        For whatever was raised by what a backend called: the model's own code, or the framework
        that ran it.
    """
    try:
        with same_folder():
            yield
    except (XaiHeatmapError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a model may call sys.exit(), too
        if not raised_by_the_model(error):
            raise
        raise ModelFailed(
            f"{name} ran before, and failed on this picture: {first_line(error)}"
            f"{_where(error.__traceback__)}. Mend it there, or leave the picture out; --debug "
            "shows how it came to that."
        ) from error


def raised_by_the_model(error: BaseException) -> bool:
    """Whether a backend's call of something that is not ours is where an exception comes from."""
    homes = [_module(frame) for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [number for number, home in enumerate(homes) if home.partition(".")[0] == OURS]
    if not own or own[-1] == len(homes) - 1:
        return False
    return homes[own[-1]].startswith(RUNS_MODELS)


def _module(frame: object) -> str:
    return str(getattr(frame, "f_globals", {}).get("__name__", ""))


def _where(trace: TracebackType | None) -> str:
    """The last line of a file that is nobody's package: most likely the user's own."""
    frames = traceback.extract_tb(trace)
    library = sysconfig.get_path("stdlib")
    others = {"site-packages", OURS}
    own = [
        frame
        for frame in frames
        if not others.intersection(Path(frame.filename).parts)
        and not frame.filename.startswith(library)
    ]
    last = own[-1] if own else None
    return f" ({Path(last.filename).name}, line {last.lineno})" if last else ""
