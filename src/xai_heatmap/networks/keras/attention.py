"""Attention in Keras, written out: attention layers are called for their attention scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from xai_heatmap.core.axes import Axes
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.opening.held import Given, Held
from xai_heatmap.networks.opening.interfaces import Adapter, Closing
from xai_heatmap.networks.opening.side_by_side import Output
from xai_heatmap.networks.opening.taps import Site, intercepted

ATTENDING = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)

CALLS = 64
"""Most calls of one attention layer in a pass."""


class WrittenOut:
    """Adapter of a model whose attention layers run their softmax layers, not a fused kernel."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self.name: str = adapter.name
        self.declared: Declared = adapter.declared
        self.channels_last: bool = adapter.channels_last
        self.method: str = adapter.method
        self.axes: Axes | None = adapter.axes

    @property
    def output(self) -> Output:
        """Delegated to the wrapped adapter."""
        return self._adapter.output

    @property
    def boxes(self) -> Boxes | None:
        """Delegated to the wrapped adapter."""
        return self._adapter.boxes

    @property
    def others(self) -> Sequence[str]:
        """Delegated to the wrapped adapter."""
        return self._adapter.others

    @property
    def held(self) -> Held:
        """Delegated to the wrapped adapter."""
        return self._adapter.held

    def taking(self, given: Given) -> "WrittenOut":
        """Delegated to the wrapped adapter."""
        return WrittenOut(self._adapter.taking(given))

    def holding(self, held: Held) -> "WrittenOut":
        """Delegated to the wrapped adapter."""
        return WrittenOut(self._adapter.holding(held))

    def turned(self, axes: Axes | None) -> "WrittenOut":
        """Delegated to the wrapped adapter."""
        return WrittenOut(self._adapter.turned(axes))

    def parts(self) -> Mapping[str, object]:
        """Delegated to the wrapped adapter."""
        return self._adapter.parts()

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Context of the wrapped adapter in which attention layers run their softmax layers."""
        layers = [part for part in self.parts().values() if isinstance(part, ATTENDING)]
        fused = {id(part): vars(part).get("_flash_attention") for part in layers}
        with ExitStack() as stack:
            stack.enter_context(self._adapter.ready())
            stack.enter_context(intercepted(layers, self.method, _asked))
            try:
                for part in layers:
                    part.__dict__["_flash_attention"] = False
                yield
            finally:
                for part in layers:
                    part.__dict__["_flash_attention"] = fused[id(part)]

    def scores(self, x: Any) -> Any:
        """Delegated to the wrapped adapter."""
        return self._adapter.scores(x)

    def closing_of(self, part: object) -> Closing | None:
        """Delegated to the wrapped adapter."""
        return self._adapter.closing_of(part)

    def undone(self, part: object | None) -> Any:
        """Delegated to the wrapped adapter."""
        return self._adapter.undone(part)


def softmaxes(adapter: Adapter) -> dict[str, Site]:
    """Sites of the softmax layers: `CALLS` calls of each."""
    parts = adapter.parts().items()
    return {
        f"{path}#{call}": Site(part, call)
        for path, part in parts
        if isinstance(part, keras.layers.Softmax)
        for call in range(CALLS)
    }


def _asked(part: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """Call of an attention layer that always computes attention scores, which rules out fusion."""

    def asked(*args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
        output, scores = call(*args, return_attention_scores=True, **kwargs)
        return (output, scores) if return_attention_scores else output

    return asked
