"""Methods, metrics and kinds of models that other packages bring, declared as entry points.

=========================  ====================  ===============================================
group                      name                  value
=========================  ====================  ===============================================
``xai_heatmap.methods``    any                   a module that uses ``@xai_heatmap.method``
``xai_heatmap.metrics``    any                   a module that uses ``@xai_heatmap.metric``
``xai_heatmap.networks``   a prefix, ``zoo``     a function of ``NAME`` in ``zoo:NAME`` to whatever
                                                 `xai_heatmap.network` takes
``xai_heatmap.networks``   a class with its      a function of such a model, with the options of
                           module, ``zoo.Net``   `xai_heatmap.network`, to a `Network`
=========================  ====================  ===============================================

Entry points are read when a name is asked for that does not come with this package, or when all
are listed. One that can't be imported, or that takes a name which exists, is left out: one line on
stderr says so, and ``xai-heatmap doctor`` repeats it.
"""

import sys
import threading
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUPS = ("methods", "metrics", "networks")
"""Groups of entry points, each behind ``xai_heatmap.``."""

Registry = MutableMapping[str, Any]


@dataclass(frozen=True)
class Plugin:
    """One entry point of another package, as far as it could be used.

    Parameters
    ----------
    group
        One of `GROUPS`.
    name, value
        As the package declares them.
    package
        Name and version of the package.
    brings
        Names that are new: of methods or metrics, or the prefix or class of a network.
    problem
        Why all of it, or a name, is left out; empty where nothing is.
    """

    group: str
    name: str
    value: str
    package: str
    brings: tuple[str, ...] = ()
    problem: str = ""

    @property
    def line(self) -> str:
        """The problem in one line."""
        return (
            f"xai-heatmap: entry point {self.name!r} of {self.package}, in xai_heatmap."
            f"{self.group}: {self.problem}"
        )


@cache
def found(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, without importing what they name."""
    return tuple(entry_points(group=f"xai_heatmap.{group}"))


_lock = threading.RLock()
_loaded: dict[str, tuple[Plugin, ...]] = {}


def registered(group: str, registries: Sequence[Registry]) -> tuple[Plugin, ...]:
    """Import the modules that a group's entry points name, once in a process.

    Parameters
    ----------
    group
        ``methods`` or ``metrics``.
    registries
        Where the decorators put what they declare. Names that were there stay what they were.
    """
    with _lock:
        if group not in _loaded:
            _loaded[group] = ()  # what is imported now may ask for a method itself
            _loaded[group] = tuple(_registered(group, point, registries) for point in found(group))
            _tell(_loaded[group])
        return _loaded[group]


def _registered(group: str, point: EntryPoint, registries: Sequence[Registry]) -> Plugin:
    """Import one entry point; what a failed import has declared until then is taken back."""
    before = [dict(registry) for registry in registries]
    try:
        point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever another's module raises
        for registry, own in zip(registries, before, strict=True):
            registry.clear()
            registry.update(own)
        return _plugin(group, point, problem=_first_line(error))
    new, taken = list[str](), list[str]()
    for registry, own in zip(registries, before, strict=True):
        taken += [name for name, value in own.items() if registry.get(name) is not value]
        registry.update({name: own[name] for name in own if registry.get(name) is not own[name]})
        module = point.value.partition(":")[0]
        new += [name for name, value in registry.items() if name not in own or _of(value, module)]
    kind = group.removesuffix("s")
    if taken:
        names = ", ".join(map(repr, taken))
        problem = f"a {kind} of the name {names} exists already and stays; choose another name"
    else:
        problem = "" if new else f"{point.value} declares no {kind}"
    return _plugin(group, point, brings=tuple(new), problem=problem)


def _of(value: Any, module: str) -> bool:
    """Whether a formula was declared in a module that had been imported before."""
    return getattr(value.formula, "__module__", None) == module


def network_plugins(taken: Iterable[str]) -> tuple[Plugin, ...]:
    """The networks of other packages, each imported: for `doctor`.

    Parameters
    ----------
    taken
        Prefixes and classes that come with this package.
    """
    return tuple(_network(point, frozenset(taken))[0] for point in found("networks"))


def network_plugin(name: str, taken: Iterable[str] = ()) -> Any:
    """The function that a package brings for a prefix or a class; None where none does.

    Raises
    ------
    ImportError
        With the line that `Plugin` has, if it can't be imported.
    """
    taken = frozenset(taken)
    _tell_once(point for point in found("networks") if point.name in taken)
    for point in found("networks"):
        if point.name == name:
            plugin, function = _network(point, taken)
            if plugin.problem:
                raise ImportError(plugin.line)
            return function
    return None


_told = set[EntryPoint]()


def _tell_once(points: Iterable[EntryPoint]) -> None:
    """Say of networks whose name is taken that they are left out."""
    new = [point for point in points if point not in _told]
    _told.update(new)
    _tell(_network(point, frozenset({point.name}))[0] for point in new)


def _network(point: EntryPoint, taken: frozenset[str]) -> tuple[Plugin, Any]:
    if point.name in taken:
        problem = f"{point.name!r} comes with xai-heatmap and stays; choose another name"
        return _plugin("networks", point, problem=problem), None
    try:
        function = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever another's module raises
        return _plugin("networks", point, problem=_first_line(error)), None
    problem = "" if callable(function) else f"{point.value} is no function"
    return _plugin("networks", point, brings=(point.name,), problem=problem), function


def _plugin(group: str, point: EntryPoint, **more: Any) -> Plugin:
    own = point.dist
    package = f"{own.name} {own.version}" if own is not None else "an unknown package"
    return Plugin(group, point.name, point.value, package, **more)


def _first_line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__


def _tell(plugins: Iterable[Plugin]) -> None:
    for plugin in plugins:
        if plugin.problem:
            sys.stderr.write(f"{plugin.line}\n")
