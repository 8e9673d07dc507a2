"""Memories of a recorded pass for heads, dropped where a later part wrote into them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from xai_heatmap.networks.opening.interfaces import Adapter
from xai_heatmap.networks.opening.replay import Key, Memory, Trail
from xai_heatmap.networks.opening.taps import Site, intercepted, mapped


@dataclass
class Memories:
    """What one pass leaves of the parts that had finished before some layers."""

    _names: dict[Key, str] = field(default_factory=dict)
    _found: dict[str, Memory] = field(default_factory=dict)
    _versions: dict[str, list[tuple[torch.Tensor, int]]] = field(default_factory=dict)

    @contextmanager
    def kept(self, adapter: Adapter, sites: Mapping[str, Site]) -> Iterator[None]:
        """Within the block the outputs of all parts are kept up to each of the layers."""
        if not sites:
            yield
            return
        self._names = {(id(site.part), site.call): name for name, site in sites.items()}
        trail = Trail(self._names, self._reached)
        with intercepted(adapter.parts().values(), adapter.method, trail.around):
            yield

    def untouched(self) -> dict[str, Memory]:
        """Memories, by layer, that hold the numbers that they held when the layer had run."""
        return {
            name: memory
            for name, memory in self._found.items()
            if all(own._version == version for own, version in self._versions[name])  # noqa: SLF001 - torch has no other way
        }

    def _reached(self, memory: Memory) -> None:
        versions: list[tuple[torch.Tensor, int]] = []

        def apart(value: torch.Tensor) -> torch.Tensor:
            versions.append((value, value._version))  # noqa: SLF001
            return value.detach()

        own = mapped(memory.output, apart)
        others = {key: mapped(value, apart) for key, value in memory.outputs.items()}
        name = self._names[memory.layer]
        self._found[name] = Memory(own, memory.layer, others, memory.within)
        self._versions[name] = versions
