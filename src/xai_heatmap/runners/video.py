"""A video explained frame by frame, and written again with its heat on one scale."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap import networks
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.network import Network
from xai_heatmap.core.pyav import av
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.explaining.request import ClassNames, OneTarget
from xai_heatmap.explaining.spoken import spoken
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.events import BatchProgress
from xai_heatmap.jobs.video_job import Video
from xai_heatmap.render.caption import Word, captioned
from xai_heatmap.runners.batch.asking import Objects
from xai_heatmap.runners.batch.folder import is_run, read_run
from xai_heatmap.runners.batch.run import Listen, run_job
from xai_heatmap.runners.batch.saying import question_of
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.runners.local import check, opened
from xai_heatmap.sinks.store.rows import Row
from xai_heatmap.sinks.video import ahead, write_video
from xai_heatmap.sinks.video import check as check_out
from xai_heatmap.sources.listing.clip import MARK, in_video
from xai_heatmap.sources.listing.entry import Entry
from xai_heatmap.sources.video import VIDEOS, frames

AHEAD = 8
"""Frames that are drawn ahead of the encoder."""

Shown = tuple[int, np.ndarray, Row | None]
"""Time, picture (H, W, 3) uint8, and row of a frame."""

Drawn = tuple[int, np.ndarray]
"""Time and picture of a frame with its heat, and a line of words below it."""


@spoken
def video(
    source: str | os.PathLike[str],
    model: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    run: str | os.PathLike[str] | None = None,
    method: str | None = None,
    layer: str | int = "auto",
    target: OneTarget = None,
    preprocess: Preparing = None,
    labels: ClassNames = None,
    options: Mapping[str, object] | None = None,
    every: int = 1,
    top: float | None = None,
    size: int = 32,
    listen: Listen | None = None,
) -> StoredRun:
    """Explain every frame of a video, store a row for each, and write the video with its heat; the
    same call goes on where it was stopped.

    Frames keep their presentation times, sound is copied, a picture is turned as the file says, and
    all frames share one scale, so that brightness says how strong the evidence is.

    Parameters
    ----------
    source
        A video file.
    model
        As for `xai_heatmap.network`.
    out
        The video that is written, ``.mp4`` or ``.webm``; None: ``IN.xai.mp4`` in the current
        folder.
    run
        Folder of the rows, ``OUT.run`` where not said. The id of a row ends in the time of its
        frame in seconds.
    method, layer, target, preprocess, labels, options
        As for `explain`; one of each. A class as `target` keeps the question the same over the
        clip.
    every
        Explain every so many frames; those between keep the heat.
    top
        Relevance that is drawn strongest; None: the strongest of the clip.
    size
        Frames that go through the network together.
    listen
        Is told how far the run is.

    Returns
    -------
    The run, as `open_run` reads it.

    Raises
    ------
    XaiHeatmapError
        As `batch` does; a frame that can't be explained is shown without heat, and its row says
        why.
    """
    fields, objects = question_of(
        model, method=method, layer=layer, target=target, preprocess=preprocess, labels=labels,
        options=options,
    )  # fmt: skip
    job = Video(
        source=(os.fspath(source),),
        **fields,
        out=None if out is None else Path(out), run=None if run is None else Path(run),
        every=every, top=top, batch=size,
    )  # fmt: skip
    network = networks.network(model) if job.model is None else opened(job)
    return run_video(job, network, objects=objects, listen=listen)


def run_video(
    job: Video,
    network: Network,
    *,
    objects: Objects | None = None,
    listen: Listen | None = None,
) -> StoredRun:
    """Explain the frames of a job, or go on with them, and write the video.

    Raises
    ------
    XaiHeatmapError
        As `video` does.
    """
    check_source(job)
    check(job.rows())
    check_out(job.written)
    rows = job.rows()
    found = list(in_video(job.source[0], every=job.every))
    _check_frames(rows, found)
    stored = run_job(rows, network, objects=objects, found=found, listen=listen)
    _write(job, stored, listen)
    return stored


def check_source(job: Video) -> None:
    """Refuse a job without a video, one that writes no video or over its own source, or where
    nothing reads videos.

    Raises
    ------
    BadOption, InputError
        If it is so.
    """
    if len(job.source) != 1 or Path(job.source[0]).suffix.casefold() not in VIDEOS:
        raise BadOption(
            f"One video is needed, a file such as clip.mp4 ({', '.join(VIDEOS)}); received "
            f"{', '.join(map(repr, job.source)) or 'none'}."
        )
    if job.written.suffix.casefold() not in VIDEOS:
        raise BadOption(
            f"What is written is a video too: --out NAME.mp4 or NAME.webm; received "
            f"{str(job.written)!r}."
        )
    if job.written.resolve() == Path(job.source[0]).resolve():
        raise BadOption("The video would replace the one that it is made from. Say another --out.")
    av()


def _check_frames(rows: Batch, found: Sequence[Entry]) -> None:
    """Refuse to go on with a run over other frames: of another `every`, or of a file that changed.

    Raises
    ------
    BadOption
        If it is so.
    """
    if not is_run(rows.out):
        return
    plan = read_run(rows.out).plan
    then = [one.uri for shard in range(plan.shards) for one in plan.entries(shard)]
    if then != [one.uri for one in found]:
        raise BadOption(
            f"The run {str(rows.out)!r} is of {counted(len(then), 'frame')}, and --every "
            "and the video ask "
            f"for {'other ones' if len(found) == len(then) else len(found)}. Say the --every that "
            "it was begun with, or choose another --run or --out."
        )


@dataclass(frozen=True)
class _Drawing:
    """Drawing of one clip: its scale, and how a map is laid over a frame."""

    job: Video
    stored: StoredRun
    top: float

    def __call__(self, given: Shown) -> Drawn:
        """One frame with its heat, and the line below it."""
        pts, image, row = given
        if row is None or row["error"] is not None:
            words = [Word("no map", alarming=True)]
            return pts, captioned(image, words) if self.job.caption else image
        one = self.stored.explanation(row, image)
        how: dict[str, Any] = {} if self.job.alpha is None else {"alpha": self.job.alpha}
        shown = one.overlay(
            scale=self.top, contour=False, mute=bool(self.job.mute), colormap=self.job.colormap,
            smooth=self.job.smooth, **how,
        )  # fmt: skip
        if not self.job.caption:
            return pts, shown
        likely = one.probability
        sure = f"{likely:.3f}" if likely is not None else f"score {one.score:.3g}"
        return pts, captioned(shown, [Word(one.target), Word(sure), Word(one.method)])


def _write(job: Video, stored: StoredRun, listen: Listen | None) -> None:
    """Draw every frame by its row, in threads, and encode them in order."""
    drawing = _Drawing(job, stored, job.top or _strongest(stored))
    total = stored.folder.plan.pictures * job.every
    tell = _telling(job, total, listen)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        drawn = ahead(_with_rows(job.source[0], stored), drawing, pool, AHEAD)
        write_video(job.written, _of_one_size(drawn, tell), job.source[0])
    tell(total, complete=True)


def _telling(job: Video, total: int, listen: Listen | None) -> Callable[..., None]:
    def tell(done: int, *, complete: bool = False) -> None:
        if listen is not None:
            listen(
                BatchProgress(
                    run=str(job.written), done=min(done, total), total=total, errors=0,
                    complete=complete,
                )
            )  # fmt: skip

    return tell


def _strongest(stored: StoredRun) -> float:
    """The strongest relevance of the clip; 1 where no frame has any."""
    columns = ("map_low", "map_high", "signed", "error", "verdict")
    peaks = [
        max(row["map_high"], -row["map_low"] if row["signed"] else 0.0)
        for row in stored.rows(columns)
        if row["error"] is None and row["verdict"] != "cancelled"
    ]
    return max(peaks, default=0.0) or 1.0


def _with_rows(source: str, stored: StoredRun) -> Iterator[Shown]:
    """Every frame with its own row, or the one before it."""
    rows, row = stored.rows(), None
    later = next(rows, None)
    for pts, image in frames(source):
        while later is not None and int(later["uri"].rpartition(MARK)[2]) <= pts:
            row, later = later, next(rows, None)
        yield pts, image, row


def _of_one_size(drawn: Iterator[Drawn], tell: Callable[..., None]) -> Iterator[Drawn]:
    """Frames of the first one's size: a longer line of words below a frame is cut off, a shorter
    one gets more paper.
    """
    shape = None
    for number, (pts, image) in enumerate(drawn, 1):
        shape = shape or image.shape
        if image.shape != shape:
            page = np.full(shape, 255, np.uint8)
            rows, columns = (min(*both) for both in zip(shape[:2], image.shape[:2], strict=True))
            page[:rows, :columns] = image[:rows, :columns]
            image = page  # noqa: PLW2901
        if number % 10 == 0:
            tell(number)
        yield pts, image
