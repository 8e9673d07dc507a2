"""How a formula becomes a method: its signature says what it needs and which options it has."""

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.errors import BadOption, UnknownMethod, did_you_mean
from xai_heatmap.core.evidence import Evidence

OFFERED = frozenset(field.name for field in fields(Evidence))


@dataclass(frozen=True)
class Method:
    """A formula with what is known about it.

    Parameters
    ----------
    name
        What users type.
    formula
        A pure function from fields of one image's evidence to its map.
    needs
        The fields it asks for; nothing else is computed.
    options
        Its keyword-only parameters with their defaults.
    cite
        Key of the paper in ``methods/references.bib``.
    signed
        Whether negative values are evidence against, to be drawn, not clipped.
    use_when
        One line that helps to choose.
    """

    name: str
    formula: Callable[..., Map]
    needs: frozenset[str]
    options: Mapping[str, object]
    cite: str
    signed: bool
    use_when: str

    @property
    def summary(self) -> str:
        """The formula in one line."""
        return (inspect.getdoc(self.formula) or "").partition("\n")[0]

    @property
    def cost(self) -> str:
        """Passes through the network, in words."""
        if "head" in self.needs:
            return "1 forward + many through the head"
        return (
            "1 forward + 1 backward through the head" if "gradient" in self.needs else "1 forward"
        )

    def __call__(
        self, evidence: Evidence, options: Mapping[str, object] = MappingProxyType({})
    ) -> Map:
        """The raw map of one image at one layer."""
        return self.formula(**{name: getattr(evidence, name) for name in self.needs}, **options)

    def checked(self, options: Mapping[str, object]) -> dict[str, object]:
        """`options` in the types of their defaults; text is read as the command line gives it.

        Raises
        ------
        BadOption
            For an option that the method does not have, or a value of another type.
        """
        for name in options:
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise BadOption(
                    f"{self.name} has no option {name!r}.{did_you_mean(name, self.options)} "
                    f"Its options: {known}."
                )
        return {name: self._typed(name, value) for name, value in options.items()}

    def _typed(self, name: str, value: object) -> object:
        default = self.options[name]
        wanted = type(default)
        if isinstance(value, str) and wanted is bool:
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            value = words.get(value.casefold(), value)
        elif (
            isinstance(value, str | int) and not isinstance(value, bool) and wanted in (int, float)
        ):
            with contextlib.suppress(ValueError):
                value = wanted(value)
        if not isinstance(value, wanted):
            raise BadOption(
                f"{self.name}'s option {name} takes {wanted.__name__} (default {default!r}); "
                f"received {value!r}."
            )
        return value


METHODS: dict[str, Method] = {}
"""Every method by name, in the order of registration."""


def method(
    *, cite: str, use_when: str, signed: bool = False
) -> Callable[[Callable[..., Map]], Callable[..., Map]]:
    """Register a formula under its own name and give it back unchanged.

    Positional parameters are fields of `Evidence`; keyword-only ones with defaults become options.
    A name that evidence does not have fails here, when the module is imported.
    """

    def register(formula: Callable[..., Map]) -> Callable[..., Map]:
        name = formula.__name__
        parameters = inspect.signature(formula).parameters.values()
        options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        needs = frozenset(p.name for p in parameters) - frozenset(options)
        if unknown := needs - OFFERED:
            raise TypeError(
                f"{name} asks for {sorted(unknown)}; a method may ask for {sorted(OFFERED)}."
            )
        if missing := [o for o, default in options.items() if default is inspect.Parameter.empty]:
            raise TypeError(f"{name}: every option needs a default; {missing} have none.")
        METHODS[name] = Method(
            name, formula, needs, MappingProxyType(options), cite, signed, use_when
        )
        return formula

    return register


def find_method(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    UnknownMethod
        With the nearest name and the list of all.
    """
    if name not in METHODS:
        raise UnknownMethod(
            f"There is no method {name!r}.{did_you_mean(name, METHODS)} "
            f"Known: {', '.join(METHODS)}."
        )
    return METHODS[name]
