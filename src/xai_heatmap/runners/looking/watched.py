"""Networks that tell of every pass: what is counted, shown as progress, and may be cancelled."""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from xai_heatmap.core.fused import Fused, Pull
from xai_heatmap.core.network import Network
from xai_heatmap.core.recording import Recording


@dataclass
class Watch:
    """Passes of one piece of work.

    Parameters
    ----------
    forward, backward
        Passes of the whole network, and backward passes.
    pictures
        Pictures and activations that went through, those of the head alone included.
    first
        Seconds of the first forward pass.
    tell
        Called before every pass; what it raises ends the work.
    between
        Called before every pass but the first: others may have their turn.
    """

    forward: int = 0
    backward: int = 0
    pictures: int = 0
    first: float = 0.0
    tell: Callable[["Watch"], None] = field(default=lambda _: None)
    between: Callable[[], None] = field(default=lambda: None)

    def begin(self) -> None:
        """Tell that a pass begins."""
        self.tell(self)
        if self.pictures:
            self.between()


_local = threading.local()


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """A block whose passes, of networks that are watched, in this thread, are told."""
    before = getattr(_local, "watch", None)
    _local.watch = watch
    try:
        yield watch
    finally:
        _local.watch = before


def watched(network: Network) -> Network:
    """The same network; its passes are told to whoever watches in the thread that makes them."""
    other = copy.copy(network)
    object.__setattr__(other, "__class__", _told_of(type(network)))  # a network may be frozen
    return other


def _told_of(kind: type[Any]) -> type[Any]:
    """A kind of network whose forward passes and programs are told, as those of its copies."""

    def record(self: Any, x: Any, *args: Any, **how: Any) -> Recording:
        watch: Watch | None = getattr(_local, "watch", None)
        if watch is None:
            return kind.record(self, x, *args, **how)
        watch.begin()
        begun = time.perf_counter()
        made: Any = kind.record(self, x, *args, **how)
        watch.first = watch.first or time.perf_counter() - begun
        watch.forward += 1
        watch.pictures += len(x)
        return _Told(made)

    def fused(self: Any, x: Any, *args: Any, **how: Any) -> Fused | None:
        watch: Watch | None = getattr(_local, "watch", None)
        if watch is None:
            return kind.fused(self, x, *args, **how)
        watch.begin()
        begun = time.perf_counter()
        made: Fused | None = kind.fused(self, x, *args, **how)
        if made is not None:  # there and back in one program
            watch.first = watch.first or time.perf_counter() - begun
            watch.forward += 1
            watch.backward += 1
            watch.pictures += len(x)
        return made

    def mapping(self: Any, x: Any, *args: Any, **how: Any) -> tuple[Recording, Pull] | None:
        watch: Watch | None = getattr(_local, "watch", None)
        if watch is None:
            return kind.mapping(self, x, *args, **how)
        watch.begin()
        begun = time.perf_counter()
        made: tuple[Recording, Pull] | None = kind.mapping(self, x, *args, **how)
        if made is None:
            return None
        watch.first = watch.first or time.perf_counter() - begun
        watch.forward += 1
        watch.pictures += len(x)

        def pull(cotangent: Any) -> Fused | None:
            _tell(backward=1)
            return made[1](cotangent)

        return made[0], pull

    told = {"record": record, "fused": fused, "mapping": mapping}
    return type(kind.__name__, (kind,), told)


class _Told(Recording):
    """A recording that tells of its passes; all else is that of the recording inside."""

    def __init__(self, inner: Recording) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def scores(self) -> Any:
        return self.inner.scores

    @property
    def meaning(self) -> Any:
        return self.inner.meaning

    @property
    def form(self) -> Any:
        return self.inner.form

    @property
    def activations(self) -> Any:
        return self.inner.activations

    def pullback(self, cotangent: Any) -> Any:
        _tell(backward=1)
        return self.inner.pullback(cotangent)

    def each_gradient(self, cotangent: Any, use: Any, use_bias: Any = None) -> None:
        _tell(backward=1)
        self.inner.each_gradient(cotangent, use, use_bias)

    def replay(self, layer: str, activation: Any, *, row: int) -> Recording:
        _tell(pictures=len(activation))
        return _Told(self.inner.replay(layer, activation, row=row))

    def affine(self, layer: str, *, row: int) -> Any:
        return self.inner.affine(layer, row=row)

    def attentions(self, cotangent: Any) -> Any:
        _tell(backward=1)
        return self.inner.attentions(cotangent)

    def by(self, rule: Any) -> Recording:
        _tell(forward=1)
        return _Told(self.inner.by(rule))

    def between(self, layer: str, rule: Any, *, row: int) -> Recording:
        _tell(pictures=2)
        return _Told(self.inner.between(layer, rule, row=row))


def _tell(*, forward: int = 0, backward: int = 0, pictures: int = 0) -> None:
    watch: Watch | None = getattr(_local, "watch", None)
    if watch is not None:
        watch.begin()
        watch.forward += forward
        watch.backward += backward
        watch.pictures += pictures
