"""Methods: formulas whose signatures say which evidence they need and which options they have."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Literal, TypeVar

from xai_heatmap.core.arrays import Input, Map
from xai_heatmap.core.errors import UnknownMethod, did_you_mean
from xai_heatmap.core.evidence import Differentiated, Evidence, Rerun
from xai_heatmap.core.formula import Described, checked, declaration
from xai_heatmap.core.options import Option, declared

OFFERED = frozenset(field.name for field in fields(Evidence)) - {"moves"}

DIFFERENTIATED = frozenset({
    *("gradient", "pyramid", "stages", "attentions", "balanced", "secant"),
})  # fmt: skip
"""Fields that only a network with gradients can give."""

SEPARATE = frozenset({"attentions", "balanced"})
"""Fields that take a forward and a backward pass of their own."""

UNDIRECTED = frozenset({"image", "activation"})
"""Fields that are the same whatever is explained."""

Auto = Literal["auto", "input", "finest"]


@dataclass(frozen=True)
class MethodResult:
    """A map with figures that say how good it is, such as what it lacks to add up; of a method that
    was given regions, what it says of each.
    """

    map: Map
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    regions: Sequence[float] = ()


Formula = Callable[..., Map | MethodResult]
Own = TypeVar("Own", bound=Formula)


@dataclass(frozen=True)
class Method(Described):
    """A formula with what is known about it.

    Parameters
    ----------
    name
        What users type.
    formula
        A pure function from fields of one image's evidence to its map.
    needs
        The fields it asks for; nothing else is computed.
    taken
        Its keyword-only parameters.
    cite
        Key of the paper in ``methods/references.bib``.
    signed
        Whether negative values are evidence against, to be drawn, not clipped.
    use_when
        One line that helps to choose.
    passes
        What runs beside the recording, in words.
    auto
        What ``layer="auto"`` means: the layer that the network suggests, the picture itself, or the
        finest layer that goes with the suggested one.
    differentiates
        Whether it needs a network that has gradients.
    directed
        Whether the map depends on the target.
    """

    name: str
    formula: Formula
    needs: frozenset[str]
    taken: Mapping[str, Option]
    cite: str
    signed: bool
    use_when: str
    passes: str = ""
    auto: Auto = "auto"
    differentiates: bool = False
    directed: bool = True

    @property
    def cost(self) -> str:
        """Passes through the network, in words."""
        behind = "" if self.auto == "input" else " through the head"
        differentiated = self.needs & {"gradient", "pyramid", "stages"}
        backward = f"1 backward{behind}" if differentiated else ""
        apart = "1 forward and 1 backward of their own" if SEPARATE & self.needs else ""
        return " + ".join(filter(None, ["1 forward", backward, apart, self.passes]))

    def __call__(
        self, evidence: Evidence, options: Mapping[str, object] = MappingProxyType({})
    ) -> Map:
        """The raw map of one image at one layer."""
        return self.found(evidence, options).map

    def found(
        self, evidence: Evidence, options: Mapping[str, object] = MappingProxyType({})
    ) -> MethodResult:
        """The raw map with the figures that the method gives of it."""
        answer = self.formula(**{name: getattr(evidence, name) for name in self.needs}, **options)
        return answer if isinstance(answer, MethodResult) else MethodResult(answer)

    def checked(self, options: Mapping[str, object]) -> dict[str, object]:
        """`options` in the types of their defaults; text is read as the command line gives it.

        Raises
        ------
        BadOption
            For an option that the method does not have, or a value that it does not take.
        """
        return checked(options, self.taken, self.name)


MapsOf = Callable[[Iterable[Input]], Iterator[Map]]
"""A method as a function of pictures."""


@dataclass(frozen=True)
class Modifier(Described):
    """Modifier that makes a method out of any other, such as the mean of maps of noisy pictures.

    Parameters
    ----------
    name
        What users type before a method's name and a colon: ``smooth:layercam``.
    formula
        A function of the method, the picture and the modifier's options to a map.
    taken, cite, use_when, passes
        As those of a method; `passes` is how often the method is asked for its map.
    signed
        Whether evidence against is told apart where the method tells it.
    """

    name: str
    formula: Callable[..., Map | MethodResult]
    taken: Mapping[str, Option]
    cite: str
    use_when: str
    passes: str
    signed: bool

    def __call__(self, inner: Method) -> Method:
        """The method that is made of `inner`; where both have an option, it is the modifier's."""
        said, of, rest = (inspect.getdoc(self.formula) or "").partition("\n")

        def formula(image: Input, again: Rerun, **options: object) -> Map | MethodResult:
            own = {name: value for name, value in options.items() if name in self.taken}
            others = {name: value for name, value in options.items() if name not in self.taken}

            def maps_of(pictures: Iterable[Input]) -> Iterator[Map]:
                return (inner(known, others) for known in again(pictures, inner.needs))

            return self.formula(maps_of, image, **own)

        formula.__doc__ = f"{said.removesuffix('.')},  M: {inner.summary}{of}{rest}"
        return replace(
            inner,
            name=f"{self.name}:{inner.name}",
            formula=formula,
            needs=frozenset({"image", "again"}),
            taken=MappingProxyType({**inner.taken, **self.taken}),
            cite=self.cite,
            signed=inner.signed and self.signed,
            use_when=self.use_when,
            passes=f"{self.passes} x ({inner.cost})",
        )


METHODS: dict[str, Method] = {}
"""Every method by name, in the order of registration."""


def method(
    *, cite: str, use_when: str, signed: bool = False, passes: str = "", auto: Auto = "auto"
) -> Callable[[Own], Own]:
    """Register a formula under its own name and give it back unchanged.

    Positional parameters are fields of `Evidence`; keyword-only ones with defaults become options.
    A name that evidence does not have fails here, when the module is imported; so does a formula
    that runs the head or the model without saying how often.
    """

    def register(formula: Own) -> Own:
        name = formula.__name__
        parameters = inspect.signature(formula).parameters.values()
        differentiates = any(
            p.name in DIFFERENTIATED or p.annotation in (Differentiated, Rerun) for p in parameters
        )
        declares = declaration(formula, kind="a method", offered=OFFERED)
        needs, taken = declares.needs, declares.options
        if (runs := needs & {"head", "model", "again"}) and not passes:
            raise TypeError(f"{name} runs {sorted(runs)}: say passes=...")
        METHODS[name] = Method(
            name, formula, needs, taken, cite, signed, use_when, passes, auto, differentiates,
            directed=not needs <= UNDIRECTED,
        )  # fmt: skip
        return formula

    return register


MODIFIERS: dict[str, Modifier] = {}
"""Every modifier by name."""


def modifier(
    *, cite: str, use_when: str, passes: str, signed: bool = True
) -> Callable[[Callable[..., MethodResult]], Callable[..., MethodResult]]:
    """Register a formula over a method, ``(maps_of, image, *, options)``, under its own name."""

    def register(formula: Callable[..., MethodResult]) -> Callable[..., MethodResult]:
        parameters = inspect.signature(formula).parameters.values()
        taken = {p.name: declared(p) for p in parameters if p.kind is p.KEYWORD_ONLY}
        name = formula.__name__
        MODIFIERS[name] = Modifier(
            name, formula, MappingProxyType(taken), cite, use_when, passes, signed
        )
        return formula

    return register


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise UnknownMethod(f"A method is given by its name; received {name!r}.")


def all_methods() -> dict[str, Method]:
    """Every method by name, those of other packages included (see `core.plugins`)."""
    _registered()
    return METHODS


def _registered() -> None:
    """Read the entry points of other packages, which takes time: where no own name fits."""
    from xai_heatmap.core.plugins import registered

    registered("methods", (METHODS, MODIFIERS))


def find_method(name: str) -> Method:
    """The method of that name; with a modifier before a colon, the method made of it.

    Raises
    ------
    UnknownMethod
        With the nearest name and the list of all.
    """
    _check_name(name)
    before, colon, inner = name.rpartition(":")
    if colon:
        if before not in MODIFIERS:
            _registered()
        if before not in MODIFIERS:
            raise UnknownMethod(
                f"There is nothing called {before!r} that makes a method out of another."
                f"{did_you_mean(before, MODIFIERS)} Known: {', '.join(MODIFIERS)}, as in "
                f"{next(iter(MODIFIERS), 'smooth')}:gradcam."
            )
        return MODIFIERS[before](find_method(inner))
    if name not in METHODS:
        _registered()
    if name not in METHODS:
        raise UnknownMethod(
            f"There is no method {name!r}.{did_you_mean(name.replace('++', '_pp'), METHODS)} "
            f"Known: {', '.join(METHODS)}."
        )
    return METHODS[name]
