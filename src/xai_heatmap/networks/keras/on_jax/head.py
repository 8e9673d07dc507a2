"""The network behind one layer in JAX, for one image, as a program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.keras.on_jax.passes import Passes
from xai_heatmap.networks.keras.on_jax.program import Opened, Values, array
from xai_heatmap.networks.keras.on_jax.survey import upstream
from xai_heatmap.networks.opening import replay
from xai_heatmap.networks.opening.compile_cache import compiled, main_tensor, undo_key
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, answered, mapped, tapped
from xai_heatmap.networks.rules import BackwardRule


class JaxHead:
    """The network behind one layer, for one image."""

    def __init__(
        self,
        passes: Passes,
        adapter: Adapter,
        x: Native,
        name: str,
        site: Site,
        undo: Undo,
        *,
        whole: bool,
    ) -> None:
        self._passes, self._adapter, self._name, self._site, self._undo = (
            passes,
            adapter,
            name,
            site,
            undo,
        )
        self._image, self._whole = jnp.asarray(x, jnp.float32), whole
        self._frontier: Sequence[jax.Array] = ()
        if name == INPUT:
            self.output = x
            return
        values = passes.values(adapter)
        own, self._frontier = self._program().way(self._reach, values, self._image)
        self.output = array(own)
        self._dtype = own.dtype

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer; few sizes are compiled."""
        images = len(output)
        padded = np.zeros((_padded(images), *output.shape[1:]), output.dtype)
        padded[:images] = output
        if self._name == INPUT:
            site = {INPUT: self._site}
            return _rows(self._passes.record(self._adapter, padded, site, self._undo), images)
        program = self._program()
        given = {
            "activation": jnp.asarray(padded, self._dtype),
            "frontier": self._frontier,
            "image": self._image,
        }
        return program.opened(
            lambda values, given, at: self._scores(program, values, given, at),
            self._passes.values(self._adapter),
            given,
            leave_out=self._undo.mark,
            images=images,
        )

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Two rows, the layer's own output and `other`, run beside each other."""
        program = None if self._name == INPUT else self._program()
        dtype = jnp.float32 if program is None else self._dtype
        given = {
            "activation": jnp.asarray(self.output, dtype),
            "reference": jnp.asarray(other, dtype),
            "frontier": self._frontier,
            "image": self._image,
        }

        def run(values: Values, given: Mapping[str, Any], at: Callable[..., Any]) -> jax.Array:
            if program is not None:
                return self._scores(program, values, given, at)
            with self._passes.running(self._adapter, values, self._undo) as model:
                return model.scores(at(INPUT, given["activation"]))

        values, mark = self._passes.values(self._adapter), self._undo.mark
        own = self._between_program(rule)(run, values, given, leave_out=mark)
        outputs = {self._name: np.concatenate([self.output, other])}
        return Recorded(own.scores, outputs, own.pullback)

    def _between_program(self, rule: BackwardRule) -> Opened:
        key = rule, *self._key()
        return compiled(self._passes.programs, key, lambda: Opened([self._name], rule=rule))

    def _program(self) -> "_HeadProgram":
        passes = self._passes

        def build() -> _HeadProgram:
            program = _HeadProgram(Opened([self._name]))
            values = passes.values(self._adapter)
            jax.eval_shape(
                lambda values, image: self._learnt(program, values, image), values, self._image
            )
            program.read = self._read(program, values)
            return program

        return compiled(passes.programs, ("head", *self._key()), build)

    def _key(self) -> tuple[Any, ...]:
        site, passes = self._site, self._passes
        layer, held = (
            (self._name, id(site.part), site.call),
            (self._adapter.held.key, self._adapter.axes),
        )
        shape, structure = self._image.shape, passes.structure()
        return layer, undo_key(self._undo), shape, structure, held, self._whole

    def _learnt(self, program: "_HeadProgram", values: Values, image: jax.Array) -> None:
        memory, leaves = self._remembered(values, image)
        program.memory = memory
        program.leaves = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]

    def _read(self, program: "_HeadProgram", values: Values) -> list[int]:
        """Indices of the remembered arrays that the head reads."""
        program.read = list(range(len(program.leaves)))
        own = program.leaves[-1]
        given = {"activation": own, "frontier": program.leaves, "image": self._image}

        def scored(frontier: Sequence[jax.Array]) -> jax.Array:
            return self._scores(
                program, values, {**given, "frontier": frontier}, lambda _, value: value
            )

        def run(frontier: Sequence[jax.Array], activation: jax.Array) -> jax.Array:
            given["activation"] = activation
            return scored(frontier)

        jaxpr = jax.make_jaxpr(run)(program.leaves, own).jaxpr
        used = upstream(jaxpr)
        return [number for number in program.read if jaxpr.invars[number] in used]

    def _reach(
        self, program: "_HeadProgram", values: Values, image: jax.Array
    ) -> tuple[jax.Array, list[jax.Array]]:
        _, leaves = self._remembered(values, image)
        return leaves[-1], [leaves[number] for number in program.read]

    def _remembered(
        self, values: Values, image: jax.Array
    ) -> tuple[replay.Memory, list[jax.Array]]:
        """Memory of the pass up to the layer, and its arrays, the layer's own output last."""
        adapter, leaves = self._adapter, []

        def taken(value: jax.Array) -> _Leaf:
            leaves.append(value)
            return _Leaf(len(leaves) - 1, tuple(value.shape), value.dtype)

        with self._passes.running(adapter, values, self._undo) as model:
            memory = replay.remember(
                adapter.parts(), adapter.method, self._site, lambda: model.scores(image)
            )
        if memory is None:
            raise ValueError(self._name)
        outputs = {key: mapped(output, taken) for key, output in memory.outputs.items()}
        own = mapped(memory.output, taken)
        leaves.append(main_tensor(memory.output))
        return replay.Memory(own, memory.layer, outputs, memory.within), leaves

    def _scores(
        self,
        program: "_HeadProgram",
        values: Values,
        given: Mapping[str, Any],
        at: Callable[[str, Any], Any],
    ) -> jax.Array:
        adapter, site = self._adapter, self._site
        tap = at(self._name, given["activation"])
        images = len(tap)
        frontier = dict(zip(program.read, given["frontier"], strict=True))

        def spread(leaf: Any) -> jax.Array:
            value = frontier.get(leaf.number) if isinstance(leaf, _Leaf) else leaf
            if value is None:
                value = jnp.zeros(leaf.shape, leaf.dtype)
            if value.ndim == 0 or value.shape[0] != 1:
                return value
            return jnp.broadcast_to(value, (images, *value.shape[1:]))

        with self._passes.running(adapter, values, self._undo) as model:
            if self._whole:
                with tapped({self._name: site}, adapter.method, lambda _, __: tap):
                    return model.scores(spread(given["image"]))
            return replay.replay(
                adapter.parts(),
                adapter.method,
                program.memory,
                lambda: answered(mapped(program.memory.output, spread), lambda _: tap),
                spread=lambda output: mapped(output, spread),
                run=lambda: model.scores(spread(given["image"])),
            )


@dataclass(frozen=True)
class _Leaf:
    """Placeholder of an array in a memory: index, shape and dtype."""

    number: int
    shape: tuple[int, ...]
    dtype: Any


class _HeadProgram:
    """Programs of a head: image to layer and frontier, then layer and frontier to scores."""

    memory: replay.Memory
    leaves: Sequence[Any]
    read: Sequence[int]

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self._run: Any = None
        self._way = jax.jit(lambda values, image: self._run(self, values, image))

    def way(
        self, run: Callable[..., Any], values: Values, image: jax.Array
    ) -> tuple[jax.Array, list[jax.Array]]:
        """The layer's own output, and the frontier: the other arrays that the head reads."""
        self._run = run
        try:
            return self._way(values, image)
        finally:
            self._run = None


def _rows(recorded: Recorded, images: int) -> Recorded:
    """The first rows of a recording that was padded."""

    def pullback(cotangent: Native) -> dict[str, Native]:
        padded = np.zeros(recorded.scores.shape, np.float32)
        padded[:images] = cotangent
        return {name: gradient[:images] for name, gradient in recorded.pullback(padded).items()}

    outputs = {name: output[:images] for name, output in recorded.outputs.items()}
    return Recorded(recorded.scores[:images], outputs, pullback)


def _padded(images: int) -> int:
    """The next power of two: every size of batch is a compiled program, so few are used."""
    return 1 << (images - 1).bit_length()
