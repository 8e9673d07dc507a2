"""Text that several commands share."""

from collections.abc import Sequence

from xai_heatmap.apps.cli.terminal import bar, columns, elided, facts, on_screen
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.network import Network
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.jobs.picture_job import PictureJob

BESIDE = 22
"""Letters in a line of predictions that are neither label nor bar."""

NARROWEST_BAR, WIDEST_BAR = 16, 30

SOME_FAILED = 1


def exit_code(outcomes: Sequence[XaiHeatmapError | None]) -> int:
    """Exit code of several outcomes, None where one went well: that of the first error where
    nothing went well, 1 where some did.
    """
    errors = [error for error in outcomes if error]
    if not errors:
        return 0
    return errors[0].exit_code if len(errors) == len(outcomes) else SOME_FAILED


def model_line(job: PictureJob, network: Network, loading: float) -> list[str]:
    """Line with the model's name and kind, and the time that loading took."""
    shape = network.declared.input_shape
    said = [job.model or "", network.name]
    if shape and len(shape) == 3:  # a guess where signals and volumes are of any length
        said.append(f"input {times((shape[0], *(job.size or shape[1:])))}")
    return facts([("model  ", f"{', '.join(said)}; loaded in {duration(loading)}")])


def predictions(one: Explanation) -> list[str]:
    """The likeliest classes, with bars on a screen."""
    found = one.predictions
    longest = max((len(p.label) for p in found), default=0)
    label = min(longest, columns() - BESIDE - NARROWEST_BAR) if on_screen() else longest
    room = min(columns() - BESIDE - label, WIDEST_BAR) if on_screen() else 0
    return [
        f"  {rank}  {elided(p.label, width=label).ljust(label)}  {p.index:>5}  "
        f"{p.probability:.3f}  {bar(p.probability, width=room)}".rstrip()
        for rank, p in enumerate(found, 1)
    ]


def preparation(one: Explanation) -> str:
    """Preprocessing of the picture in words; empty where the model's own function did it."""
    said = one.preprocess
    if not said:
        return ""
    geometry, fit = one.geometry, str(said["fit"])
    if geometry and geometry.image_size == geometry.input_size and geometry.share == 1:
        fit = "as it is"
    elif fit in ("crop", "squash"):
        fit = f"{fit} {said['ratio']:g}"
    own = ", own mean and std" if said.get("mean") or said.get("std") else ""
    size = times(geometry.input_size) if geometry else ""
    return f"{said['mode']}{own}, {fit}, {size} {said['resampling']}"


def shown(one: Explanation) -> str:
    """Size of the picture, or shape of the array."""
    if one.array is not None:
        return f"{times(one.array.shape)}, taken as it is"
    height, width = one.image.shape[:2]
    return f"{width} x {height}"


def times(shape: Sequence[int]) -> str:
    """``64x56x56``."""
    return "x".join(map(str, shape))


def duration(seconds: float) -> str:
    """Duration in a unit that suits the length."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
