"""Texts that a picture is held against: the classes of a network of two towers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.category import as_choice, category, class_or_choice, top
from xai_heatmap.core.targets.target import Choice


@dataclass(frozen=True)
class Texts:
    """Texts as the classes of a network of two towers, and which of them is explained.

    Parameters
    ----------
    texts
        In the order of the classes.
    which
        Choice of the text that is explained.
    processor
        Tokenizer, or a processor that holds one; None for that of the model's own pipeline.
    """

    texts: tuple[str, ...]
    which: Choice
    processor: Any = None


def text(
    texts: str | Sequence[str] | Any,
    which: int | str | Choice | None = None,
    *,
    processor: Any = None,
) -> Texts:
    """Texts that a picture is held against, such as ``["a red car", "a bus"]``: the classes of a
    network of two towers, such as CLIP or SigLIP.

    As a `target` it says what is explained and opens the model with these texts; where a model
    becomes a network, ``xai_heatmap.network(model, held=xai_heatmap.text(...))``, they stay the
    classes of all that is asked. They are embedded once, and the picture's tower is explained.
    The score is the model's own: likeness times its temperature, with its bias where it has one.

    Parameters
    ----------
    texts
        One, or several.
    which
        The one that is explained, by itself or by its number, or a choice such as
        ``contrast("a red car", against="a bus")``. None: the one that fits the picture best.
    processor
        The tokenizer that the model came with, or the processor that holds it; its image processor
        then prepares the pictures. A function from a list of texts to numbers (texts, tokens) will
        do. Not needed for a pipeline, which has its own.

    Raises
    ------
    UnknownTarget
        For no text, an empty one, or the same twice: at once.
    """
    said = _listed(texts)
    chosen = (category(0) if len(said) == 1 else top(1)) if which is None else _within(which, said)
    return Texts(said, chosen, processor)


def _within(which: int | str | Choice, texts: Sequence[str]) -> Choice:
    """Choice among the texts; a text is found whole, whatever commas it has."""
    named = class_or_choice(which)
    if isinstance(named, str):
        if named not in texts:
            shown = ", ".join(map(repr, texts))
            raise UnknownTarget(f"{named!r} is none of the texts: {shown}. Add it to them.")
        return category(texts.index(named))
    return as_choice(named)


def _listed(texts: object) -> tuple[str, ...]:
    given = [texts] if isinstance(texts, str) else texts
    if not isinstance(given, Sequence):
        raise UnknownTarget(
            f"Texts are a list of strings; received {type(given).__name__}. Write "
            'xai_heatmap.text(["a red car", "a bus"]).'
        )
    said = tuple(cast("Sequence[object]", given))
    if not said:
        raise UnknownTarget('At least one text is needed: xai_heatmap.text(["a red car"]).')
    for number, one in enumerate(said):
        if not isinstance(one, str):
            raise UnknownTarget(
                f"Texts are strings; number {number} is {type(one).__name__} {one!r}. Write "
                'xai_heatmap.text(["a red car", "a bus"]).'
            )
        if not one.strip():
            raise UnknownTarget(
                f"Text number {number} is empty, and nothing in a picture is like no words. Say "
                'what may be seen: xai_heatmap.text(["a red car"]).'
            )
    words = cast("tuple[str, ...]", said)
    if len(set(words)) < len(words):
        twice = next(one for one in words if words.count(one) > 1)
        raise UnknownTarget(f"The text {twice!r} is given twice. Leave one of the two out.")
    return words
