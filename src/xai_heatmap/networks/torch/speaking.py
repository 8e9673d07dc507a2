"""Models that answer a question of a picture in words: their free answer, and the network that
scores it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.core.errors import BadOption, NotAModel
from xai_heatmap.networks.torch.canvas import canvas_of
from xai_heatmap.networks.torch.forced import Forced
from xai_heatmap.networks.torch.weights import evaluating, home_of

CLOSE = 1e-3
"""Share of the largest score by which a forced answer may differ from the free one."""


@dataclass(frozen=True)
class Spoken:
    """Answer of a model to a question of a picture, with the network that scores its tokens.

    Parameters
    ----------
    module
        From canvases (n, 3, H, W) to scores (n, tokens, vocabulary).
    canvas
        The photograph as the network's input, (3, H, W).
    join
        From a photograph, uint8 (H, W, 3), to its canvas.
    ids
        Tokens of the answer.
    names
        Of every token of the vocabulary, without the mark of a space before it.
    text
        The answer in words.
    """

    module: nn.Module
    canvas: np.ndarray
    join: Callable[[np.ndarray], np.ndarray]
    ids: tuple[int, ...]
    names: tuple[str, ...]
    text: str


def spoken(model: Any, processor: Any, image: np.ndarray, prompt: str, *, most: int) -> Spoken:
    """Answer of a model of transformers, found greedily, and the network that scores it.

    Parameters
    ----------
    image
        uint8 (H, W, 3).
    prompt
        With the place of the picture, as the processor wants it.
    most
        Tokens at which the answer ends.

    Raises
    ------
    BadOption, NotAModel
        For a prompt without the picture's token, a model that does not answer in words or whose
        answer is another one each time.
    """
    check_speaking(model, processor)
    home, dtype = home_of(model)

    def process(photograph: np.ndarray) -> Mapping[str, Any]:
        return _processed(processor, photograph, prompt)

    made = process(image).items()
    given = {name: _moved(value, home, dtype) for name, value in made if name != "labels"}
    mark = _picture_token(model)
    shown = given["input_ids"][0] == mark
    if not shown.any():
        token = getattr(processor, "image_token", "<image>")
        raise BadOption(
            f"The prompt says where the picture stands; {prompt!r} does not. Write {token} there: "
            f"prompt={f'{token} {prompt}'!r}, or let the processor write it: "
            "processor.apply_chat_template(messages, add_generation_prompt=True)."
        )
    size = (image.shape[0], image.shape[1])
    canvas = canvas_of(given, process, model, tokens=int(shown.sum()), size=size)
    ids, free = _answered(model, given, most)
    forced = Forced(given, canvas, ids, shown)
    module = forced.of(model)
    x = canvas.join(given["pixel_values"])
    _check_same(model, module, x, free)
    tokenizer = processor.tokenizer
    tokens = tokenizer.convert_ids_to_tokens(list(range(free.shape[1])))
    names = tuple(_name(number, own) for number, own in enumerate(tokens))

    def join(photograph: Any) -> np.ndarray:
        pixels = process(np.asarray(photograph))["pixel_values"]
        if pixels.shape != given["pixel_values"].shape:
            raise BadOption(
                "This answer is of one photograph, and one of another shape is laid out in other "
                "tokens. Ask again: xai_heatmap.answer(model, processor, image, prompt)."
            )
        return canvas.join(pixels).float().numpy()

    return Spoken(
        module, x.float().cpu().numpy(), join, tuple(ids.tolist()), names, tokenizer.decode(ids)
    )


def _name(number: int, token: str | None) -> str:
    """Token without the mark of a space before it; its number where the tokenizer knows no such."""
    return (token.lstrip("▁Ġ") or token) if token else f"<{number}>"


def check_speaking(model: Any, processor: Any) -> None:
    """Refuse what can't answer, and processors that read no words or no pictures."""
    if not isinstance(model, nn.Module) or not callable(getattr(model, "generate", None)):
        raise NotAModel(
            "A model of transformers that answers in words was expected, with `generate`, such as "
            f"LlavaForConditionalGeneration; received {type(model).__name__}."
        )
    missing = [name for name in ("tokenizer", "image_processor") if not hasattr(processor, name)]
    if missing:
        raise BadOption(
            f"The processor that the model came with was expected, which reads pictures and words; "
            f"this {type(processor).__name__} has no {missing[0]}. Write "
            "transformers.AutoProcessor.from_pretrained(NAME)."
        )


def _processed(processor: Any, photograph: np.ndarray, prompt: str) -> Mapping[str, Any]:
    import PIL.Image

    try:
        return processor(
            text=[prompt], images=[PIL.Image.fromarray(photograph)], return_tensors="pt"
        )
    except (ValueError, IndexError, StopIteration) as problem:
        token = getattr(processor, "image_token", "<image>")
        if token in prompt:
            raise
        raise BadOption(
            f"The prompt says where the picture stands; {prompt!r} does not. Write {token} there: "
            f"prompt={f'{token} {prompt}'!r}, or let the processor write it: "
            "processor.apply_chat_template(messages, add_generation_prompt=True)."
        ) from problem


def _moved(value: Any, home: torch.device, dtype: torch.dtype) -> Any:
    own = torch.as_tensor(value).to(home)
    return own.to(dtype) if own.is_floating_point() else own


def _picture_token(model: Any) -> int:
    for name in ("image_token_id", "image_token_index"):
        if isinstance(found := getattr(model.config, name, None), int):
            return found
    raise NotAModel(
        f"Which token stands for the picture is not said by {type(model).__name__}: its config has "
        "no image_token_id. Set it: model.config.image_token_id = NUMBER."
    )


def _answered(model: Any, given: Mapping[str, Any], most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the greedy answer, and the scores of each, (tokens, vocabulary)."""
    with torch.no_grad(), evaluating(model.modules()):
        answer = model.generate(
            **given, max_new_tokens=most, do_sample=False, num_beams=1, output_logits=True,
            return_dict_in_generate=True,
        )  # fmt: skip
    scores = torch.cat([one[:1] for one in answer.logits])
    ids = answer.sequences[0, -len(scores) :]
    ends = _ends(model)
    length = len(ids) - 1 if len(ids) > 1 and int(ids[-1]) in ends else len(ids)
    return ids[:length], scores[:length]


def _ends(model: Any) -> Sequence[int]:
    end = getattr(model.generation_config, "eos_token_id", None)
    return [] if end is None else [end] if isinstance(end, int) else list(end)


def _check_same(model: nn.Module, module: nn.Module, x: torch.Tensor, free: torch.Tensor) -> None:
    """Refuse a model that scores its own answer otherwise when asked again."""
    with torch.no_grad(), evaluating(model.modules()):
        forced, again = (module(x[None])[0].float() for _ in range(2))
    most = float(free.float().abs().max())
    off = float((forced - again).abs().max()) / most
    if off > CLOSE or not torch.equal(forced.argmax(-1), free.argmax(-1)):
        off = max(off, float((forced - free.float()).abs().max()) / most)
        raise NotAModel(
            f"An answer that comes again was expected; asked the same, {type(model).__name__} "
            f"scores its tokens otherwise, by {off:.1%} of the highest score. Switch off what "
            "draws at random in it, such as dropout and noise, and hand it in with model.eval()."
        )
