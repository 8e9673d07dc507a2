"""Values at the taps of one pass in PyTorch, copied where a later part writes into them."""

from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from xai_heatmap.core.network import INPUT


@dataclass
class Taps:
    """Values at every tap of one pass, with a check for later parts that overwrite a value."""

    overwritten: dict[str, bool]
    kept: dict[str, torch.Tensor] = field(default_factory=dict)
    _passed: dict[int, tuple[torch.Tensor, int, torch.Tensor]] = field(default_factory=dict)
    _copies: dict[str, torch.Tensor] = field(default_factory=dict)
    _lent: dict[str, tuple[torch.Tensor, int]] = field(default_factory=dict)
    _leaves: list[str] = field(default_factory=list)

    def at(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """Keep a value; pass on a copy, or the value itself if no later part writes there."""
        known = self._passed.get(id(value))
        if known is not None and known[0] is value and value._version == known[1]:  # noqa: SLF001 - torch has no other way
            self.kept[name] = known[2]
            return value
        if not (value.is_floating_point() or value.is_complex()):
            self.kept[name] = value
            return value
        leaf = not value.requires_grad
        copied = name == INPUT or self.overwritten.get(name, True)  # pictures are the user's own
        tap = value.detach().requires_grad_() if leaf else value
        if copied:  # a part of the model may have switched gradients off around itself
            with nullcontext() if torch.is_grad_enabled() else torch.enable_grad():
                passed = tap.clone()
        else:
            passed = tap
        self.kept[name] = tap
        if copied:
            self._copies[name] = passed
        else:
            self._lent[name] = tap, tap._version  # noqa: SLF001
            self._leaves.extend([name] if leaf else [])
        self._passed[id(passed)] = passed, passed._version, tap  # noqa: SLF001
        return passed

    def taken_back(self) -> bool:
        """Have those copied from now on that were lent as leaves, which PyTorch lets nobody write
        into; False where there are none.
        """
        self.overwritten.update(dict.fromkeys(self._leaves, True))
        return bool(self._leaves)

    def settle(self) -> bool:
        """Learn who was overwritten; False where a value was lent that should have been copied."""
        for name, copy in self._copies.items():
            self.overwritten[name] = self.overwritten.get(name, False) or copy._version > 0  # noqa: SLF001
        broken = [name for name, (tap, version) in self._lent.items() if tap._version != version]  # noqa: SLF001
        self.overwritten.update(dict.fromkeys(broken, True))
        self._passed.clear()
        self._copies.clear()
        return not broken
