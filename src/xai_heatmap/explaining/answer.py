"""Why this word: one map for each token of an answer to a question of a picture, and whether it was
said without looking.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_heatmap import networks
from xai_heatmap.core.arrays import Image, Input, Inputs, Map, Scores
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.network import Declared, Network
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.step import step
from xai_heatmap.core.targets.token import token
from xai_heatmap.explaining.batch import maps
from xai_heatmap.explaining.explain import compare
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.request import OneTarget
from xai_heatmap.networks.language.speaking_network import SpeakingNetwork
from xai_heatmap.sources.image import read

METHOD = "libragrad"
"""Method where none is said: the one that measures best on planted questions, as
docs/text-and-words.md has it."""

UNMOVED = 0.1
"""Change of a token's log-probability, in nats, below which it was said without looking."""

MOST = 20
"""Tokens at which an answer ends where nobody says it."""

PARTS = 8
"""Parts along each side of a picture, of one whose parts lie in another order."""


@dataclass(frozen=True)
class Word:
    """One token of an answer, with its map.

    Parameters
    ----------
    text
        The token, without the mark of a space before it.
    probability
        Of the token at its place, in [0, 1].
    change
        By how much its log-probability changes, in nats, with other pictures in the place of this
        one: the most of three, a flat one of its mean colour, its own parts in another order, and
        itself turned upside down.
    moved
        1 - cosine of its map and the map of the same token with the parts in another order: 0 for
        a map that stays as it is.
    explanation
        The map, with its facts.
    """

    text: str
    probability: float
    change: float
    moved: float
    explanation: Explanation

    @property
    def without_looking(self) -> bool:
        """Whether the token was said without looking: its `change` is less than a tenth of a nat,
        so that with any of the other pictures it is as likely to within 10 %.
        """
        return self.change < UNMOVED

    def to_dict(self) -> dict[str, object]:
        """Token and figures in plain values, without the map."""
        figures = {"probability": self.probability, "change": self.change, "moved": self.moved}
        return {"text": self.text, **figures, "without_looking": self.without_looking}


@dataclass(frozen=True)
class Answered(Sequence[Word]):
    """Answer of a model to a question of a picture: a `Word` for each token, in order.

    Parameters
    ----------
    text
        The answer in words.
    words
        Its tokens.
    network
        From the picture to scores (images, tokens, vocabulary), with the answer forced: what
        `explain` and `compare` take, with targets such as ``token("yes", against="no")``.
    image
        The photograph, uint8 (H, W, 3).
    """

    text: str
    words: tuple[Word, ...]
    network: Network
    image: Image

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[Word]:
        return iter(self.words)

    def __getitem__(self, index: Any) -> Any:
        return self.words[index]

    def explain(self, target: OneTarget = None, *, method: str = METHOD, **how: Any) -> Explanation:
        """Explanation of another number of the same answer, such as ``token("yes", against="no")``;
        of the first token where none is said. `how` is as for `xai_heatmap.explain`.
        """
        wanted = token(1) if target is None else target
        return compare(self.network, self.image, targets=[wanted], methods=[method], **how)[0]


def answer(
    model: Any,
    processor: Any,
    image: Any,
    prompt: str,
    *,
    method: str = METHOD,
    options: Mapping[str, object] | None = None,
    tokens: int = MOST,
) -> Answered:
    """One map for each token that a model answers to a question of a picture.

    The model answers greedily, once. Then the answer is forced: one pass in which all its tokens
    are scored, recorded where the picture's tokens enter the language model, and one backward pass
    a token. The map lies on the grid of these tokens, put back on the photograph; where the picture
    is also shown smaller and whole beside its tiles, both shares are in it.

    Parameters
    ----------
    model, processor
        Of transformers, such as ``LlavaForConditionalGeneration`` and its ``AutoProcessor``.
    image
        A photograph: a path, a PIL image, or an array (H, W, 3).
    prompt
        The question, with the place of the picture as the processor wants it.
    method, options
        As for `explain`.
    tokens
        Number of tokens at which the answer ends, from 1.

    Raises
    ------
    BadOption
        For a prompt without the picture's token, and a video in the place of the picture.
    NotAModel
        For a model that does not answer in words, or not the same when it is asked again.
    """
    shown = _photograph(image)
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadOption(f"A question in words is needed as the prompt; received {prompt!r}.")
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1:
        raise BadOption(f"An answer has at least one token; received tokens={tokens!r}.")
    home = importlib.import_module("xai_heatmap.networks.torch.speaking")
    said = home.spoken(model, processor, shown, prompt, most=tokens)
    opened = networks.network(said.module, image_shape=said.canvas.shape)
    declared = Declared(said.canvas.shape, said.join, said.names, answers="classes")
    network = SpeakingNetwork(opened, declared)
    found = compare(
        network,
        shown,
        methods=[method],
        targets=[token(number + 1) for number in range(len(said.ids))],
        options={method: options or {}},
    )
    x = prepare(shown, None, network).x
    words = _words(network, x, said.ids, list(found), method=method, options=options)
    return Answered(said.text, words, network, shown)


def _photograph(image: Any) -> Image:
    """The photograph, uint8 (H, W, 3); several frames are refused."""
    shape: tuple[int, ...] = tuple(getattr(image, "shape", ()))
    frames = type(image) in (list, tuple) or (len(shape) > 3 and shape[0] != 1)
    if frames:
        raise BadArray(
            "One picture is answered about; several, or a video, were given. Take one frame: "
            "xai_heatmap.answer(model, processor, frames[0], prompt)."
        )
    return read(image, white=None).image


def _swapped(x: Input) -> Inputs:
    """The three pictures that stand for others: flat, with its parts in another order, turned."""
    flat = np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape)
    return np.stack([flat, _mixed(x), x[:, ::-1, ::-1]]).astype(np.float32)


def _mixed(x: Input) -> Input:
    """A picture cut into `PARTS` x `PARTS` parts that lie in another order; what is left over at
    its lower and right edge stays. Parts look like the picture, which single pixels do not.
    """
    high, wide = (max(side // PARTS, 1) for side in x.shape[1:])
    places = [(r, c) for r in range(x.shape[1] // high) for c in range(x.shape[2] // wide)]
    mixed = x.copy()
    for at, own in enumerate(np.random.default_rng(0).permutation(len(places))):
        to, of = (_part(*places[one], high, wide) for one in (at, int(own)))
        mixed[:, *to] = x[:, *of]
    return mixed


def _part(row: int, column: int, high: int, wide: int) -> tuple[slice, slice]:
    """Rows and columns of one part of a picture."""
    return slice(row * high, (row + 1) * high), slice(column * wide, (column + 1) * wide)


def _words(
    network: Network,
    x: Input,
    ids: Sequence[int],
    found: Sequence[Explanation],
    *,
    method: str,
    options: Mapping[str, object] | None,
) -> tuple[Word, ...]:
    others = _swapped(x)
    logs = _log_probabilities(network, np.concatenate([x[None], others]), ids)
    labels = network.declared.labels or ()
    words = list[Word]()
    for at, (number, one) in enumerate(zip(ids, found, strict=True)):
        same: Any = maps(
            network, others[1:2], method=method, layer=one.layer.name,
            target=step(category(number), at), options=options,
        )  # fmt: skip
        words.append(
            Word(
                labels[number],
                float(np.exp(logs[0, at])),
                float(np.abs(logs[1:, at] - logs[0, at]).max()),
                _apart(one.map, same[0]),
                one,
            )
        )
    return tuple(words)


def _log_probabilities(network: Network, pictures: Inputs, ids: Sequence[int]) -> Scores:
    """log p of every token of the answer, (pictures, tokens), one picture after the other."""
    rows = list[np.ndarray]()
    for one in pictures:
        recording = network.record(one[None])
        scores = recording.form.native(recording.scores)[0].astype(np.float64)
        scores -= scores.max(1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        rows.append(logs[np.arange(len(ids)), list(ids)].astype(np.float32))
    return np.array(rows)


def _apart(one: Map, other: Map) -> float:
    """1 - cosine of two maps; 0 where both are empty, 1 where one is."""
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if not all(lengths):
        return float(any(lengths))
    return float(1 - (one / lengths[0]).ravel() @ (other / lengths[1]).ravel())
