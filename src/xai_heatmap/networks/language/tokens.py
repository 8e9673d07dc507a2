"""Texts as the tokens that a model takes, by the tokenizer that it came with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.targets.text import Texts
from xai_heatmap.core.tensors import as_numpy

NO_LIMIT = 100_000
"""Length of texts from which on a tokenizer says that it knows of no limit."""

IDS = "input_ids"


def tokenizer_of(texts: Texts, model: Any) -> Any:
    """Tokenizer as given with the texts, or as the object holds it that holds the model.

    Raises
    ------
    BadOption
        If neither has one.
    """
    for own in (texts.processor, model):
        held = getattr(own, "tokenizer", None)
        if held is None and own is not model and not hasattr(own, "image_processor"):
            held = own
        held = getattr(getattr(own, "processor", None), "tokenizer", None) if held is None else held
        if held is not None:
            return held
    raise BadOption(
        f"The tokenizer of {type(model).__name__} is not known. Give the one that the model came "
        "with, or its processor: xai_heatmap.text([...], processor=processor). A pipeline of "
        "transformers brings its own."
    )


def tokenized(tokenizer: Any, texts: Sequence[str], model: Any) -> dict[str, np.ndarray]:
    """Tokens of the texts by the names of the model's inputs, each (texts, tokens).

    Raises
    ------
    BadOption
        For a tokenizer that fails, is of another model, or cuts a text off.
    """
    ours = hasattr(tokenizer, "convert_ids_to_tokens")
    limit = _limit(model, tokenizer)
    given = _by_name(tokenizer, texts, model, limit) if ours else _by_call(tokenizer, texts)
    rows = given[IDS]
    if not ours:
        _check_cut_off(tokenizer, texts, rows, limit)
    _check_owner(tokenizer, texts, rows, model)
    return given


def _by_name(
    tokenizer: Any, texts: Sequence[str], model: Any, limit: int | None
) -> dict[str, np.ndarray]:
    """Tokens by a tokenizer of transformers, filled up as its model was taught."""
    lengths = [len(tokenizer(one)[IDS]) for one in texts]
    for one, length in zip(texts, lengths, strict=True):
        _check_length(one, length, limit)
    full = limit is not None and "siglip" in _kind(model)
    how: dict[str, Any] = {"padding": "max_length", "max_length": limit} if full else {}
    if not full and len(set(lengths)) > 1:
        how = {"padding": True}
    try:
        answer = tokenizer(list(texts), return_tensors="np", **how)
    except (ValueError, TypeError) as problem:
        raise BadOption(
            f"{type(tokenizer).__name__} failed on the texts: {problem}. Give the tokenizer that "
            "the model came with."
        ) from problem
    return {name: np.asarray(value) for name, value in answer.items()}


def _by_call(tokenizer: Any, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Tokens by any function of texts."""
    if not callable(tokenizer):
        raise BadOption(
            "A tokenizer is a function from texts to numbers (texts, tokens); received "
            f"{type(tokenizer).__name__}. Give the one that the model came with."
        )
    answer: Any = tokenizer(list(texts))
    if isinstance(answer, Mapping):
        return {str(name): np.asarray(as_numpy(value)) for name, value in answer.items()}
    rows = as_numpy(answer)
    found = np.asarray(answer) if rows is None else rows
    if found.ndim != 2 or len(found) != len(texts) or found.dtype.kind not in "iu":
        raise BadOption(
            f"The tokenizer answered {found.dtype} of shape {found.shape} for "
            f"{counted(len(texts), 'text')}; "
            "whole numbers (texts, tokens) were expected. Give the one that the model came with."
        )
    return {IDS: found}


def _kind(model: Any) -> str:
    return str(getattr(getattr(model, "config", None), "model_type", ""))


def _limit(model: Any, tokenizer: Any) -> int | None:
    """Number of tokens that the tower of texts takes; None where nobody says it."""
    config = getattr(model, "config", None)
    config = getattr(config, "text_config", config)
    said = (
        getattr(config, "max_position_embeddings", None),
        getattr(model, "context_length", None),
        getattr(tokenizer, "context_length", None),
        getattr(tokenizer, "model_max_length", None),
    )
    return next((int(one) for one in said if isinstance(one, int) and one < NO_LIMIT), None)


def _check_length(text: str, length: int, limit: int | None) -> None:
    if limit is not None and length > limit:
        raise BadOption(
            f"A text of {counted(limit, 'token')} or fewer was expected; {text[:40]!r}... "
            f"has {length}, and "
            "its end would never be read. Shorten it, or ask in several texts."
        )


def _check_cut_off(
    tokenizer: Any, texts: Sequence[str], rows: np.ndarray, limit: int | None
) -> None:
    """Refuse texts whose end a tokenizer leaves out: without their last word they are the same."""
    encode = getattr(tokenizer, "encode", None)
    for one, row in zip(texts, rows, strict=True):
        if callable(encode) and isinstance(known := encode(one), list):
            _check_length(one, len(known), limit)
        shorter = one.rsplit(None, 1)[0]
        if shorter != one and np.array_equal(_by_call(tokenizer, [shorter])[IDS][0], row):
            raise BadOption(
                f"A text that the tower takes whole was expected; {one[:40]!r}... is cut off at "
                f"{counted(len(row), 'token')}. Shorten it, or ask in several texts."
            )


def _check_owner(tokenizer: Any, texts: Sequence[str], rows: np.ndarray, model: Any) -> None:
    """Refuse a tokenizer of another model: numbers that the model has no word for, another number
    for the end of a text, one and the same tokens for different texts.
    """
    config = getattr(model, "config", None)
    config = getattr(config, "text_config", config)
    words = getattr(config, "vocab_size", None) or getattr(model, "vocab_size", None)
    own = "Give the one that the model came with: xai_heatmap.text([...], processor=processor)."
    name = type(tokenizer).__name__
    if isinstance(words, int) and rows.max() >= words:
        raise BadOption(
            f"{name} is the tokenizer of another model: it answers the token {rows.max()}, and "
            f"{type(model).__name__} has {words}. {own}"
        )
    end, theirs = getattr(config, "eos_token_id", None), getattr(tokenizer, "eos_token_id", None)
    known = isinstance(end, int) and isinstance(words, int) and 0 <= end < words
    if "clip" in _kind(model) and known and theirs is not None and end not in (theirs, 2):
        raise BadOption(
            f"{name} is the tokenizer of another model: it ends a text with the token {theirs}, "
            f"and {type(model).__name__} reads a text where the token {end} stands. {own}"
        )
    if len(np.unique(rows, axis=0)) < len(rows):
        raise BadOption(
            f"{name} makes the same tokens of different texts, {', '.join(map(repr, texts[:3]))}: "
            f"it does not know their words. {own}"
        )
