"""One forward pass of pictures, and the evidence that it gives about each of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from xai_heatmap.core.arrays import ForAndAgainst, Gradients, Input, Inputs, Scores
from xai_heatmap.core.attention import Attentions, Block, attentions
from xai_heatmap.core.backward import GRADIENT
from xai_heatmap.core.errors import NoGrid
from xai_heatmap.core.evidence import Evidence, Head, Level, Multipliers, batched
from xai_heatmap.core.layers.selection import joined, pyramid, stages
from xai_heatmap.core.moves import Moves
from xai_heatmap.core.network import INPUT, Network, Survey
from xai_heatmap.core.recording import Recording, for_and_against
from xai_heatmap.core.registry import Method
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.target import Target
from xai_heatmap.explaining.settling import array_options, settled
from xai_heatmap.networks.rules import BIASES, DEEPLIFT, LIBRAGRAD


@dataclass(frozen=True)
class MethodRequest:
    """Request for maps of one method, with its options, at some layers of a recording."""

    method: Method
    options: Mapping[str, object]
    layers: Sequence[str]

    @cached_property
    def among(self) -> frozenset[str]:
        """The layers as a set."""
        return frozenset(self.layers)

    @cached_property
    def plain(self) -> bool:
        """Whether no option is an array, so that all are the same for every picture and layer."""
        return not array_options(self.method, self.options)


Gradual = tuple[Mapping[str, Gradients], Sequence[Sequence[ForAndAgainst]]]
"""The gradient of every layer, and of every picture what each bias contributed."""

OF_THE_LAYER = frozenset({"image", "activation", "gradient", "score"})
"""The fields of evidence for which nothing is needed but the picture, the layer, its gradient."""

BACKWARD = frozenset({"gradient", "pyramid", "stages"})
"""The fields of evidence that a backward pass gives."""


@dataclass(frozen=True)
class ForwardPass:
    """Pictures that went through a network together.

    Parameters
    ----------
    recording, x, targets
        The forward pass, what went into it, and what is explained of each picture.
    network
        To send other pictures through it, in place of one of these.
    survey
        Its layers, of which some go together.
    batch
        How many other pictures go through together, at most.
    among
        Which of all pictures these are, and how many there are in all; these alone, if not given.
    """

    recording: Recording
    x: Inputs
    targets: Sequence[Target]
    network: Network
    survey: Survey
    batch: int = 32
    among: tuple[Sequence[int], int] | None = None

    def settled(self, ask: MethodRequest, layer: str, row: int) -> Mapping[str, object]:
        """Options as the formula takes them for one of the pictures."""
        if ask.plain:
            return ask.options
        own, of = (range(len(self.x)), len(self.x)) if self.among is None else self.among
        return settled(
            ask.method,
            ask.options,
            network=self.network.of([row]),
            layer=layer,
            activation=self.recording.activations[layer][row],
            x=self.x[row],
            row=(own[row], of),
        )

    def pulled(self, needs: Collection[str]) -> Gradual:
        """Gradients of every layer that was opened, in one backward pass."""
        scores = self.recording.scores
        seeds = cotangents(scores, self.targets)
        if "biases" not in needs:
            return self.recording.pullback(seeds), [()] * len(self.targets)
        gradients: dict[str, Gradients] = {}
        biases: list[list[ForAndAgainst]] = [[] for _ in self.targets]

        def use_bias(contributed: Float32[np.ndarray, "n 2 ..."]) -> None:
            for row, own in zip(biases, contributed, strict=True):
                row.append(own)

        self.recording.each_gradient(
            seeds, lambda layers, own: gradients.update(dict.fromkeys(layers, own)), use_bias
        )
        explained = np.array(self.explained, np.float32)
        bent = explained - np.einsum("nc,nc->n", seeds, scores)  # what the target itself adds
        use_bias(for_and_against(bent[:, None]))
        return gradients, biases

    @cached_property
    def explained(self) -> Sequence[float]:
        """The explained number of every picture."""
        scores = self.recording.scores
        return [
            float(target.value(scores[row : row + 1])[0]) for row, target in enumerate(self.targets)
        ]

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Attention of every block of a transformer, for every picture."""
        return self.recording.attentions(cotangents(self.recording.scores, self.targets))

    @cached_property
    def balanced(self) -> Mapping[str, Gradients]:
        """As `pulled`, by LibraGrad's way back."""
        seeds = cotangents(self.recording.scores, self.targets)
        return self.recording.by(LIBRAGRAD).pullback(seeds)

    def evidence(
        self,
        needs: Collection[str],
        row: int,
        layer: str,
        gradients: Mapping[str, Gradients],
        biases: Sequence[ForAndAgainst] = (),
        moves: Moves | None = None,
    ) -> Evidence:
        """Evidence for a method about one picture at one layer, given the gradients there are;
        `moves` are those of the method that asks for other pictures.
        """
        recording, target = self.recording, self.targets[row]
        moves = Moves() if moves is None else moves
        if OF_THE_LAYER.issuperset(needs):
            return Evidence.of(
                image=self.x[row],
                activation=recording.activations[layer][row],
                gradient=gradients[layer][row] if layer in gradients else None,
                score=self.explained[row],
                pyramid=(),
                stages=(),
                biases=biases,
                moves=moves,
            )
        coarser = pyramid(self.survey, layer) if "pyramid" in needs else ()
        before = stages(self.survey, layer) if "stages" in needs else ()

        def level(name: str) -> Level:
            return Level(recording.activations[name][row], gradients[name][row])

        if "model" in needs:
            check_masks(layer, recording.activations[layer].shape[2:], self.x.shape[2:])
        return Evidence(
            image=self.x[row],
            activation=recording.activations[layer][row],
            gradient=gradients[layer][row] if layer in gradients else None,
            score=self.explained[row],
            head=self._head(layer, row, moves, gradients) if "head" in needs else None,
            model=Head(recording, INPUT, row, target, moves=moves) if "model" in needs else None,
            again=partial(self._again, layer, row, moves) if "again" in needs else None,
            pyramid=[level(name) for name in coarser],
            stages=[level(name) for name in before],
            biases=biases,
            attentions=self._attended(row, layer) if "attentions" in needs else None,
            balanced=self.balanced[layer][row] if "balanced" in needs else None,
            secant=self._secant(row, layer) if "secant" in needs else None,
            moves=moves,
        )

    def _head(self, layer: str, row: int, moves: Moves, gradients: Mapping[str, Gradients]) -> Head:
        known = gradients if layer in gradients else None

        def slopes() -> Gradients:
            return (self.slopes if known is None else known)[layer][row]

        return Head(self.recording, layer, row, self.targets[row], moves=moves, slopes=slopes)

    @cached_property
    def slopes(self) -> Mapping[str, Gradients]:
        """Gradients of every layer that was opened; one backward pass, when first asked for."""
        return self.recording.pullback(cotangents(self.recording.scores, self.targets))

    def _attended(self, row: int, layer: str) -> Attentions:
        grid = self.recording.activations[layer].shape[2:]
        return attentions(self.blocks, row, layer=layer, grid=grid)

    def _secant(self, row: int, layer: str) -> Multipliers:
        """Slopes from 0 to A: those at A where what lies behind the layer is affine, without a run
        of it and by no rule of a framework.
        """
        known = self._head(layer, row, Moves(), {}).affine
        if known is not None:
            nothing = np.zeros_like(known.activation)
            return Multipliers(known.slopes, before=known.at(nothing), after=known.score)
        pair, target = self.recording.between(layer, DEEPLIFT, row=row), self.targets[row]
        seeds = np.zeros_like(pair.scores)
        seeds[0] = target.between(pair.scores)
        after, before = map(float, target.value(pair.scores))
        return Multipliers(pair.pullback(seeds)[layer][0], before, after)

    def _again(
        self, layer: str, row: int, moves: Moves, pictures: Iterable[Input], needs: Collection[str]
    ) -> Iterator[Evidence]:
        network, target = self.network.of([row]), self.targets[row]
        opened = joined(self.survey, layer, needs)
        for x in batched(pictures, self.batch):
            recording = network.record(x, opened, rule=BIASES if "biases" in needs else GRADIENT)
            others = replace(
                self, recording=recording, x=x, targets=[target] * len(x), network=network
            )
            nothing: Gradual = {}, [()] * len(x)
            gradients, biases = nothing if BACKWARD.isdisjoint(needs) else others.pulled(needs)
            moves.among(target.value(recording.scores))
            if layer in gradients:
                moves.along(gradients[layer], recording.activations[layer])
            for place in range(len(x)):
                yield others.evidence(needs, place, layer, gradients, biases[place], moves)


def check_masks(layer: str, grid: Sequence[int], image: Sequence[int]) -> None:
    """Refuse masks of the input from a layer that has other axes.

    Raises
    ------
    NoGrid
        With methods that draw no masks.
    """
    if len(grid) != len(image):
        own, taken = ("x".join(map(str, axes)) for axes in (grid, image))
        raise NoGrid(
            f"Layer {layer!r} has a grid of {own}, on other axes than the input's {taken}: its "
            "maps can't hide parts of the input, as this method does. Choose a layer with the "
            "input's axes (`xai-heatmap layers MODEL` lists them), or a method that needs no "
            "masks, such as method='gradcam'."
        )


def cotangents(scores: Scores, targets: Sequence[Target]) -> Scores:
    """∂y/∂s of every image, each for its own target, so that one backward pass serves all."""
    return np.concatenate(
        [target.cotangent(scores[row : row + 1]) for row, target in enumerate(targets)]
    )
