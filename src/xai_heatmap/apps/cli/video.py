"""`xai-heatmap video`: a video with its heat, and a row for each frame."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.apps.cli.flags import Debug, Events, PrintConfig, Quiet

EPILOG = """\b
Examples:
  xai-heatmap video clip.mp4 -m torchvision:resnet50
  xai-heatmap video clip.mp4 -m model.onnx --preprocess imagenet -o seen.mp4
  xai-heatmap video clip.mov -m net.py:make --target "tiger cat" --every 3
  xai-heatmap video clip.mp4 -m model.onnx --top 2.5 -o again.mp4 --run seen.mp4.run

\b
Frames keep their times, the sound is copied, and one scale holds for the whole clip:
bright is strong evidence. Rows, one a frame, lie in OUT.run/rows/part-*.parquet; by
them the same command goes on where it was stopped, and draws again without asking the
network. A --target that is named keeps the question the same from frame to frame.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Videos need:
pip install "xai-heatmap[batch,video]"
"""


def video(
    flags: Mapping[str, object],
    *,
    quiet: Quiet = False,
    print_config: PrintConfig = False,
    as_json: Events = False,
    debug: Debug = False,
) -> int:
    """Explain every frame of a video, and write the video again with its heat."""
    from xai_heatmap.apps.cli.batching import followed
    from xai_heatmap.apps.cli.opening import network_of
    from xai_heatmap.apps.cli.terminal import print_lines
    from xai_heatmap.jobs.settings import settled
    from xai_heatmap.jobs.video_job import Video
    from xai_heatmap.runners.local import check
    from xai_heatmap.runners.video import check_source, run_video

    job = settled(Video, flags, environment=os.environ, folder=Path.cwd())
    if print_config:
        sys.stdout.write(job.to_toml())
        return 0
    settled(Video, flags, environment=os.environ, folder=Path.cwd(), given=("model",))
    check_source(job)
    check(job.rows())
    network = network_of(job, silent=as_json or quiet)
    code = followed(
        lambda listen: run_video(job, network, listen=listen), str(job.rows().out),
        as_json=as_json, quiet=quiet,
    )  # fmt: skip
    if not (as_json or quiet) and job.written.exists():
        print_lines([f"video   {job.written}"])
    return code
