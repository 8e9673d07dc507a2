"""A question with its answer forced: one pass in which every token of the answer is scored, with
the picture's tokens led over a grid on their way into the language model.
"""

import copy
import types
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from xai_heatmap.core.errors import NotAModel
from xai_heatmap.networks.opening.taps import intercepted
from xai_heatmap.networks.torch.canvas import Canvas

PICTURE = "picture"
"""Name of the layer of the picture's tokens as they enter the language model."""

READERS = ("language_model", "text_model", "decoder")
"""Names of the part that reads pictures and words together."""

PER_TOKEN = ("attention_mask", "token_type_ids", "mm_token_type_ids")
"""Inputs that go along with the tokens, one number each."""


class _Pictured(nn.Module):
    """The picture's tokens on a grid, (n, features, rows, columns), as they enter the reader."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Hand the tokens on."""
        return x.clone()


class Forced:
    """A question with its answer, for any number of pictures.

    Parameters
    ----------
    given
        What the processor answered of the photograph and the prompt.
    canvas
        How pictures are laid.
    ids
        Tokens of the answer.
    shown
        Which tokens of the prompt stand for the picture.
    """

    def __init__(
        self, given: Mapping[str, Any], canvas: Canvas, ids: torch.Tensor, shown: torch.Tensor
    ) -> None:
        self.canvas, self.tokens = canvas, len(ids)
        before = given["input_ids"]
        self.words: dict[str, Any] = {"input_ids": torch.cat([before, ids[None]], 1)}
        for name in PER_TOKEN:
            if name in given:
                fill = 0 if name == "mm_token_type_ids" else 1
                more = torch.full_like(given[name][:, :1], fill).expand(-1, len(ids))
                self.words[name] = torch.cat([given[name], more], 1)
        rest = set(given) - {"input_ids", "pixel_values", *PER_TOKEN}
        self.beside = {name: given[name] for name in rest}
        self.first = before.shape[1] - 1
        self.shown = torch.nonzero(shown)[:, 0]
        self.views = [torch.as_tensor(own, device=before.device) for own in canvas.views]

    def of(self, model: Any) -> nn.Module:
        """Module from canvases to the scores of the answer's tokens, with the layers of the model
        and one of the picture's tokens.
        """
        reader, pictured = _reader(model), _Pictured()
        other = copy.copy(model)
        other._modules = dict(model._modules) | {PICTURE: pictured}  # noqa: SLF001 - a copy's own

        def forward(_: nn.Module, x: torch.Tensor) -> torch.Tensor:
            def around(__: Any, before: Callable[..., Any]) -> Callable[..., Any]:
                def read(*args: Any, **kwargs: Any) -> Any:
                    embedded = kwargs["inputs_embeds"]
                    kwargs["inputs_embeds"] = self._through(pictured, embedded)
                    return before(*args, **kwargs)

                return read

            with intercepted([reader], "forward", around):
                answer = type(model).forward(model, **self._inputs(x))
            last = slice(self.first, self.first + self.tokens)
            return answer.logits[:, last]

        other.forward = types.MethodType(forward, other)
        return other

    def _inputs(self, x: torch.Tensor) -> dict[str, Any]:
        """Arguments of the model for canvases (n, 3, H, W)."""
        every = self.words | self.beside
        rows = {name: own.repeat_interleave(len(x), dim=0) for name, own in every.items()}
        return rows | {"pixel_values": self.canvas.split(x), "use_cache": False}

    def _through(self, pictured: nn.Module, embedded: torch.Tensor) -> torch.Tensor:
        """What enters the reader, with the picture's tokens led over their grid: a token that
        several cells show is the mean of these.
        """
        own = embedded[:, self.shown]
        shown = [(view >= 0)[None, ..., None] * own[:, view.clamp(0)] for view in self.views]
        grids = [one.movedim(-1, 1) for one in shown]
        laid = pictured(torch.cat(grids, 1))
        parts = laid.split(own.shape[-1], 1)
        back = own
        for part, view in zip(parts, self.views, strict=True):
            cells = part.flatten(2).transpose(1, 2)[:, view.flatten() >= 0]
            flat = view[view >= 0]
            sums = torch.zeros_like(own).index_add(1, flat, cells)
            count = torch.bincount(flat, minlength=own.shape[1]).to(sums.dtype)[:, None]
            back = torch.where(count > 0, sums / count.clamp(min=1), back)
        return embedded.index_copy(1, self.shown, back)


def _reader(model: nn.Module) -> nn.Module:
    """The part that reads the picture's tokens and the words together."""
    found = [
        (name.count("."), own)
        for name, own in model.named_modules()
        if name.rpartition(".")[2] in READERS
    ]
    if not found:
        raise NotAModel(
            f"{type(model).__name__} has no part named {', '.join(READERS)} that reads pictures "
            "and words together, so its picture's tokens can't be followed."
        )
    return min(found, key=lambda one: one[0])[1]
