"""Feeds: the newest frame of a camera, every frame of a file."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from xai_heatmap.core.latest import Latest
from xai_heatmap.sources.camera import VideoFrame, is_live, video_frames

Frames = Callable[[str], Iterator[VideoFrame]]


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame that is looked at.

    Parameters
    ----------
    frame
        As it was decoded.
    came
        When, by the clock that `time.perf_counter` reads.
    dropped
        Frames that were overwritten since the last shot.
    """

    frame: VideoFrame
    came: float
    dropped: int


def shots(where: str, *, frames: Frames = video_frames) -> Generator[Shot, None, None]:
    """Frames to look at, as they are wanted. A camera goes on meanwhile, in a thread of its own,
    and only its newest frame is given; a file waits, and gives all.
    """
    if not is_live(where):
        for frame in frames(where):
            yield Shot(frame, time.perf_counter(), 0)
        return
    slot: Latest[tuple[VideoFrame, float]] = Latest()

    def read() -> None:
        try:
            for frame in frames(where):
                if not slot.put((frame, time.perf_counter())):
                    return
        except BaseException as failed:  # noqa: BLE001 - raised where frames are taken
            slot.close(failed)
        else:
            slot.close()

    threading.Thread(target=read, name="camera", daemon=True).start()
    last = -1
    try:
        while taken := slot.take():
            frame, came = taken[0]
            yield Shot(frame, came, frame.number - last - 1)
            last = frame.number
    finally:
        slot.close()
