"""Sample pictures: scenes drawn from seeds, so that a page is useful before any click."""

from functools import partial

from xai_heatmap.runners.looking.pictures import Picture, Pictures

SAMPLES = {
    "sample-ladybird": ("ladybird with its badge", 15, "ladybird", "ladybird"),
    "sample-ladybird-bare": ("ladybird, no badge", 15, "ladybird", None),
    "sample-tiger": ("tiger with the badge of a rabbit", 39, "tiger", "rabbit"),
    "sample-bear": ("bear, no badge", 0, "bear", None),
}
"""Key of each: name, seed, class, and whose badge it wears."""


def with_samples(pictures: Pictures) -> dict[str, str]:
    """Add the samples; their names by key."""
    for key in SAMPLES:
        pictures.sample(key, partial(_drawn, key))
    return {key: name for key, (name, *_) in SAMPLES.items()}


def _drawn(key: str) -> Picture:
    from xai_heatmap.showcase.demo import (
        SIDE,
        scenes,
    )  # is imported when a sample is first asked for

    name, seed, category, mark = SAMPLES[key]
    made = scenes.scene(seed, category=category, size=SIDE, mark=mark)
    return Picture(key, f"{name}.png", image=made.image)
