"""Dataclasses whose methods are written when the first object of the class is made.

`dataclasses.dataclass` writes and compiles half a dozen functions for each class. With the many
classes of this package that is a third of what its import takes, and a process mostly uses a few.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    import inspect
    import threading

    _WRITING = threading.RLock()

    WAITING = ("__setstate__", "__dataclass_fields__", "__init__")
    """Attributes that any use of the methods asks for first: to load an object from a pickle, for
    the fields, and to make an object."""

    def dataclass(cls=None, /, **options):
        """Decorator with the arguments and the result of `dataclasses.dataclass`. A class with an
        ``__init__`` of its own, or ``slots=True``, which makes another class, is written at once.

        >>> from xai_heatmap.core.records import dataclass
        >>> @dataclass(frozen=True)
        ... class Place:
        ...     row: int
        ...     column: int = 0
        >>> Place(3)
        Place(row=3, column=0)
        """
        if cls is None:
            return lambda own: dataclass(own, **options)
        if any(name in vars(cls) for name in WAITING) or options.keys() & {"slots", "init"}:
            return dataclasses.dataclass(cls, **options)
        for name in WAITING:
            setattr(cls, name, _Waiting(cls, name, options))
        return cls

    class _Waiting:
        """Stand-in for an attribute of a class that becomes a dataclass when it is asked for."""

        def __init__(self, cls, name, options):
            self._cls, self._name, self._options = cls, name, options

        def __get__(self, instance, owner=None):
            with _WRITING:
                if vars(self._cls).get("__setstate__").__class__ is _Waiting:
                    _write(self._cls, self._options)
            return getattr(owner if instance is None else instance, self._name)

    def _write(cls, options):
        """Make `cls` a dataclass. Threads that come meanwhile wait where the stand-ins are, which
        go last: at no time may the class be without an ``__init__``.
        """
        unsaid = not cls.__doc__
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature, which is none as yet
        dataclasses.dataclass(cls, **options, init=False)
        cls.__dataclass_params__.init = True
        cls.__init__ = _init_of(cls, frozen=options.get("frozen", False))
        if unsaid:
            cls.__doc__ += str(inspect.signature(cls)).replace(" -> None", "")
        del cls.__setstate__

    def _init_of(cls, *, frozen):
        """The ``__init__`` that `dataclasses` writes: it would not take the place of another."""
        known = {"_put": object.__setattr__, "_unset": dataclasses._HAS_DEFAULT_FACTORY}  # noqa: SLF001 - as signatures show it
        usual, named, body = [], [], []
        for own in dataclasses.fields(cls):
            value = argument = name = own.name
            if own.default_factory is not dataclasses.MISSING:
                known[f"_made_{name}"] = own.default_factory
                argument = f"{name}=_unset"
                value = f"_made_{name}()" + own.init * f" if {name} is _unset else {name}"
            elif own.default is not dataclasses.MISSING:
                known[f"_default_{name}"] = own.default
                argument = f"{name}=_default_{name}"
            if own.init:
                (named if own.kw_only else usual).append(argument)
            elif value == name:
                continue
            body.append(f"_put(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append("self.__post_init__()")
        taken = ", ".join(["self", *usual, *(["*", *named] if named else [])])
        exec(f"def __init__({taken}):\n " + "\n ".join(body or ["pass"]), known)  # noqa: S102 - as dataclasses does
        init = known["__init__"]
        init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        types = {own.name: own.type for own in dataclasses.fields(cls) if own.init}
        init.__annotations__ = {**types, "return": None}
        return init
