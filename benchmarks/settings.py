"""What a run measures and how often."""

from dataclasses import dataclass, replace

FRAMEWORKS = {
    "torch": "on_torch",
    "tensorflow": "on_tensorflow",
    "jax": "on_jax",
    "keras-torch": "on_keras_torch",
}
"""The module for each; Keras runs on one backend a process, so each is measured in its own."""

OURS = "xai-heatmap"
STRIDED = f"{OURS}, pictures as height × width × channels"
ONE_LAYER = 1.05
ALL_LAYERS = {
    ("torch", "mobilenet_v2"): 4.5,
    ("tensorflow", "squeezenet"): 4.0,
    ("tensorflow", "mobilenet_v2"): 4.5,
}
"""Maps of every layer, by framework and network; what autograd itself needs is another in each."""

SEVERAL_TARGETS = 1.2
MANY_TARGETS = 6.0
"""Five targets at the auto layer, and at all layers."""

AS_THEY_COME = 1.10
"""Pictures that lie in memory as height x width x channels, beside a bare pass of the same."""
OF_THE_HEAD = {
    "ablationcam": 1.5,
    "reciprocam": 1.9,
    "integrated": 1.8,
    "shapleycam": 1.8,
    "liftcam": None,
}
"""Methods that run what lies behind the layer, with 16 steps where there are steps; the last has no
aim of its own."""

PRECISIONS = ("float32", "bfloat16")
"""Of PyTorch's weights and pictures; on a card both are measured."""
REPLAY = 0.01
AGREEMENT = 1e-4
MEMORY = 5.0
"""Megabytes over 300 images that still read as flat: one kept input picture would add 180."""
START = 0.3
OVERLAY = 0.040


@dataclass(frozen=True)
class Settings:
    """How much of everything.

    Parameters
    ----------
    networks
        Keys of `networks.SUBJECTS`.
    batches
        Sizes.
    device
        ``cpu`` or ``cuda``.
    precisions
        Of `PRECISIONS`; other frameworks than PyTorch have the first.
    least, most, seconds
        Rounds of a case, as in `timing.Plan`.
    images
        Explained while memory is watched.
    pictures
        Compared between frameworks.
    starts
        How often each command is started.
    """

    networks: tuple[str, ...]
    batches: tuple[int, ...]
    device: str = "cpu"
    precisions: tuple[str, ...] = PRECISIONS[:1]
    least: int = 7
    most: int = 40
    seconds: float = 20
    images: int = 300
    pictures: int = 16
    starts: int = 15


def quick(settings: Settings) -> Settings:
    """Enough to see that every row runs; its figures mean nothing."""
    return replace(settings, least=2, most=2, seconds=0, images=12, pictures=2, starts=2)
