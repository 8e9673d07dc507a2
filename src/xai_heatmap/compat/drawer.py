"""`Drawer`: what a run showed, on one canvas, from one thread or while a camera goes on."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from xai_heatmap.compat.canvas import blank, drawn
from xai_heatmap.compat.pictures import BlueFirst
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.geometry import Size
from xai_heatmap.core.latest import Latest


class Drawer:
    """A canvas that shows picture, heatmap, filters and predictions at one glance.

    It opens no window and no camera. Any thread may draw on it and look at it: a canvas is drawn
    to its end before it can be seen.

    Parameters
    ----------
    size
        Rows and columns of the canvas.
    page
        Which hundred of the filters is drawn, from 0.
    """

    def __init__(self, size: Size = (800, 1200), *, page: int = 0) -> None:
        if len(size) != 2 or min(size) < 100:
            raise BadOption(f"A canvas has at least 100 rows and columns; received {size}.")
        self.size = (size[0], size[1])
        self.page = page
        self._canvas = blank(self.size)
        self._lock = threading.Lock()

    @property
    def mask(self) -> BlueFirst:
        """The canvas as it was last drawn, uint8 BGR; a copy."""
        with self._lock:
            return self._canvas.copy()

    def resetMask(self) -> None:
        """Empty the canvas."""
        self._show(blank(self.size))

    def singleThread(
        self, result: Mapping[str, Any], picture: np.ndarray | None = None
    ) -> BlueFirst:
        """Draw what a run gave, and give back the canvas.

        Parameters
        ----------
        result
            From `XVisTool.stillImgRun` or `XVisTool.vidCapRun`.
        picture
            What was run on, BGR; shown above its heatmap.
        """
        return self._show(drawn(result, picture, size=self.size, page=self.page))

    def multiThread(
        self,
        run: Callable[[np.ndarray], Mapping[str, Any]],
        frames: Iterable[np.ndarray | None],
        show: Callable[[BlueFirst], object] | None = None,
    ) -> BlueFirst:
        """Draw frames while a second thread fetches them; a frame that comes too fast is left out.

        The latest frame is always drawn, the last one too. Fetching ends with the frames, at the
        first None, and when `show` says so; an error of either side ends both and is raised here.

        Parameters
        ----------
        run
            From a frame to what is drawn, such as ``lambda frame: tool.vidCapRun(frame, -1)``.
        frames
            A camera's, a film's or any other, BGR, fetched one by one.
        show
            Gets every canvas; answers False to stop. A window that closes on ``q`` is
            ``lambda mask: cv2.imshow("XVisTool", mask) or cv2.waitKey(1) != ord("q")``.

        Returns
        -------
        The last canvas.
        """
        slot: Latest[np.ndarray] = Latest()
        threading.Thread(target=_fetch, args=(frames, slot), daemon=True).start()
        try:
            while taken := slot.take():
                canvas = self.singleThread(run(taken[0]), taken[0])
                answer = None if show is None else show(canvas)
                if answer is not None and not answer:
                    break
        finally:
            slot.close()
        return self.mask

    def _show(self, canvas: BlueFirst) -> BlueFirst:
        with self._lock:
            self._canvas = canvas
        return canvas.copy()


def _fetch(frames: Iterable[np.ndarray | None], slot: Latest[np.ndarray]) -> None:
    """Put each frame into the slot, for as long as frames come and somebody takes them."""
    try:
        for frame in frames:
            if frame is None or not slot.put(frame):
                break
    except BaseException as failure:  # noqa: BLE001 - raised again in the thread that waits for frames
        slot.close(failure)
    else:
        slot.close()
