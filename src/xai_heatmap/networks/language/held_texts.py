"""A model of two towers that is opened with texts: what the texts, their tokens and the model's own
word make of it.
"""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xai_heatmap.core.network import Declared
from xai_heatmap.core.targets.text import Texts
from xai_heatmap.networks.language.tokens import tokenized, tokenizer_of
from xai_heatmap.networks.loading.loaded import Loaded
from xai_heatmap.networks.loading.objects import opened_up


def with_texts(model: Any, texts: Texts, *, own: Callable[[Any], Any]) -> Loaded:
    """Model from pictures to their likeness with each text, and what is known of it: the texts as
    the names of its classes, the preprocessing of its processor. `own` is what is opened of a
    module: itself, or a copy.

    Raises
    ------
    BadOption, NotAModel
        For a tokenizer of another model, texts that the model can't read whole, a model that has no
        two towers.
    """
    files = model.files if isinstance(model, Loaded) else ()
    source = model.model if isinstance(model, Loaded) else model
    held = model if getattr(model, "tokenizer", None) is not None else source
    tokenizer = tokenizer_of(texts, held)
    opened = opened_up(source)
    found = model if isinstance(model, Loaded) and opened is source else opened
    said = (found.declared if isinstance(found, Loaded) else None) or Declared()
    inner = opened.model if isinstance(opened, Loaded) else opened
    towers = importlib.import_module("xai_heatmap.networks.torch.towers")
    module = own(towers.check_tower(inner))
    tokens = tokenized(tokenizer, texts.texts, module)
    kind = towers.kind_of(module, len(texts.texts))
    given = getattr(texts.processor, "image_processor", None)
    prepare = said.preprocess if given is None else given
    names = _names(texts.texts, kind)
    size = towers.size_of(module)
    shape = said.input_shape if size is None else (3, *size)
    declared = replace(said, input_shape=shape, preprocess=prepare, labels=names, answers=kind)
    return Loaded(towers.of_texts(module, tokens), declared, files)


def _names(texts: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """Names of the classes: the texts; of one that may hold or not, both."""
    return (f"not {texts[0]}", texts[0]) if kind == "labels" and len(texts) == 1 else texts
