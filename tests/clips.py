"""Small videos for tests."""

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av")

THOUSANDTH = Fraction(1, 1000)


def pictures(count=8, rows=48, columns=64):
    """Frames that tell themselves apart: a bright block that moves over grey, a red corner."""
    found = []
    for number in range(count):
        one = np.full((rows, columns, 3), 60, np.uint8)
        one[8:24, 4 + 4 * number : 20 + 4 * number] = 230
        one[-16:, :16] = (220, 30, 30)
        found.append(one)
    return found


def clip(path, frames=None, *, times=None, turned=0, sound=True, codec="libx264"):
    """A video of frames at their times in milliseconds, with a second of sound."""
    frames = pictures() if frames is None else frames
    times = [100 * number for number in range(len(frames))] if times is None else times
    with av.open(str(path), "w") as made:
        stream = made.add_stream(codec, rate=10, options={"crf": "6", "g": "4"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = THOUSANDTH
        if turned:
            stream.set_display_rotation(turned)
        heard = made.add_stream("aac", rate=8000) if sound else None
        for at, one in zip(times, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(one, format="rgb24")
            frame.pts, frame.time_base = at, THOUSANDTH
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
        if heard:
            for number in range(8):
                wave = np.sin(np.arange(1024, dtype=np.float32)[None] / 9)
                tone = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                tone.sample_rate, tone.pts = 8000, 1024 * number
                made.mux(heard.encode(tone))
            made.mux(heard.encode(None))
    return str(path)


def read_back(path):
    """Times in milliseconds and pictures of a video, and its packets of sound."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (round(frame.time * 1000), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(stream)
        ]
    with av.open(str(path)) as container:
        heard = [
            bytes(packet)
            for packet in (container.demux(audio=0) if container.streams.audio else ())
            if packet.dts is not None
        ]
    return [at for at, _ in frames], [one for _, one in frames], heard
