"""`xai-heatmap live`: a network before a camera, on a page or line by line."""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xai_heatmap.apps.cli.flags import Debug, Json
from xai_heatmap.core.counted import counted

if TYPE_CHECKING:
    from xai_heatmap.explaining.explanation import Explanation
    from xai_heatmap.jobs.serve_job import Live
    from xai_heatmap.runners.looking.feed import Shot
    from xai_heatmap.runners.looking.model import Model

EPILOG = """\b
Examples:
  xai-heatmap live
  xai-heatmap live model.onnx --preprocess imagenet
  xai-heatmap live torchvision:mobilenet_v2 --device 0
  xai-heatmap live model.keras --device film.mp4 --headless --json > film.jsonl
  xai-heatmap live model.onnx --device rtsp://camera.local/1 --headless --frames 100

\b
Without --device the page uses the camera of whoever looks at it; nothing is recorded
unless the page is told to. A camera's newest frame is explained, and frames that came
meanwhile are left out; of a file every frame is explained. Ctrl-C ends it.

\b
The page needs pip install "xai-heatmap[web]"; --device needs
pip install "xai-heatmap[video]".
"""


def live(flags: Mapping[str, object], *, as_json: Json = False, debug: Debug = False) -> int:
    """Look through a camera: what the network sees in each frame, and where.

    Opens the page on its camera tab; with --device a camera of this machine, a stream or a video
    is shown there; with --headless too, no page is opened.
    """
    from xai_heatmap.apps.cli.serve import models, on_a_page
    from xai_heatmap.core.errors import UsageError
    from xai_heatmap.jobs.serve_job import Live
    from xai_heatmap.jobs.settings import settled

    job = settled(Live, flags, environment=os.environ, folder=Path.cwd())
    if job.device is None and (job.headless or job.save or job.frames):
        raise UsageError(
            "Without a page frames come from a device: add --device 0 for the first camera, the "
            "path of a video, or the address of a stream."
        )
    if job.save is not None:
        from xai_heatmap.sinks.refused import check_folder

        check_folder(job.save)
    if job.device is not None:
        from xai_heatmap.core.pyav import av

        av()  # or it says which extra is missing
    if job.headless:
        (model, *_) = models(job).values()
        return _told(job, model, as_json=as_json)
    return on_a_page(job, device=job.device, view="#view=live")


def _told(job: "Live", model: "Model", *, as_json: bool) -> int:
    """Explain frame after frame, and tell of each; 1 where one could not be explained."""
    from xai_heatmap.apps.cli.terminal import Stopped, aside, log
    from xai_heatmap.core.errors import XaiHeatmapError
    from xai_heatmap.runners.looking.feed import shots
    from xai_heatmap.runners.looking.look import seen_in

    failed = number = 0
    say = _say_json if as_json else _say
    asked = _asked(job)
    begun = time.perf_counter()
    try:
        feed = shots(job.device or "0")
        with closing(feed):
            for number, shot in enumerate(feed, 1):
                try:
                    with aside():
                        one = seen_in(model, shot.frame.image, asked)
                except XaiHeatmapError as error:
                    failed += 1
                    log(f"frame {shot.frame.number}: error {error.code}: {error}")
                else:
                    rate = number / (time.perf_counter() - begun)
                    say(one, shot, rate)
                    _save(job, one, shot)
                if number == job.frames:
                    break
    except KeyboardInterrupt:
        raise Stopped(f"stopped after {counted(number, 'frame')}.") from None
    return 1 if failed else 0


def _asked(job: "Live") -> Any:
    from xai_heatmap.jobs import request
    from xai_heatmap.runners.looking.asked import Asked

    own = request.options(job, job.method or ("gradcam",)) if job.option else {}
    said = {"method": job.method[0] if job.method else "", "layers": list(job.layer[:1])}
    target = "" if job.target == ("top1",) else job.target[0]
    return Asked.of(said | {"target": target, "options": next(iter(own.values()), {})})


def _save(job: "Live", one: "Explanation", shot: "Shot") -> None:
    if job.save is not None:
        one.save(job.save, stem=f"frame-{shot.frame.number:06d}")


def _facts(one: "Explanation", shot: "Shot", rate: float) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "frame": shot.frame.number,
        "time": round(shot.frame.time, 6),
        "dropped": shot.dropped,
        "method": one.method,
        "layer": one.layer.name,
        "target": one.target,
        "score": one.score,
        "probability": one.probability,
        "predictions": [asdict(each) for each in one.predictions],
        "verdict": one.verdict.word,
        "strongest_at": _strongest(one),
        "age_ms": 1e3 * (time.perf_counter() - shot.came),
        "frames_per_second": rate,
        "error": None,
    }


def _strongest(one: "Explanation") -> list[float] | None:
    """x and y of the middle of the strongest place, in pixels of the frame."""
    if one.geometry is None or one.map.ndim != 2 or not one.map.max() > 0:
        return None
    cell = divmod(int(one.map.argmax()), one.map.shape[1])
    spans = one.extent or tuple((0.0, float(size)) for size in one.geometry.input_size)
    y, x = (
        start + (at + 0.5) * (stop - start) / n
        for at, n, (start, stop) in zip(cell, one.map.shape, spans, strict=True)
    )
    return list(one.geometry.to_image(x, y))


def _say_json(one: "Explanation", shot: "Shot", rate: float) -> None:
    import json
    import sys

    from xai_heatmap.core.plain import facts_of

    text = json.dumps(facts_of(_facts(one, shot, rate)), ensure_ascii=False, allow_nan=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _say(one: "Explanation", shot: "Shot", rate: float) -> None:
    from xai_heatmap.apps.cli.terminal import print_lines

    facts = _facts(one, shot, rate)
    sure = "" if one.probability is None else f" {one.probability:.2f}"
    where = (
        "" if facts["strongest_at"] is None else " at {:.0f},{:.0f}".format(*facts["strongest_at"])
    )
    said = "" if one.verdict.word == "ok" else f"  {one.verdict.word}"
    print_lines(
        [
            f"{shot.frame.time:8.2f} s  {one.target}{sure}{where}{said}  "
            f"age {facts['age_ms']:.0f} ms  {rate:.1f} frames/s"
            + (f"  {shot.dropped} left out" if shot.dropped else "")
        ]
    )
