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
    import operator
    import reprlib
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

        Only ``__init__`` is compiled. What else there is does the same for every class, and would
        take five times as long to compile.
        """
        said = {"frozen": False, "eq": True, "repr": True} | options
        frozen = said["frozen"]
        unsaid = not cls.__doc__
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature, which is none as yet
        simple = options.keys() <= {"frozen", "eq"} and not any(
            map(dataclasses.is_dataclass, cls.__mro__[1:])
        )
        if simple:
            dataclasses.dataclass(cls, init=False, repr=False, eq=False)
            names = [own.name for own in dataclasses.fields(cls)]
            _give(cls, "__repr__", _repr)
            if said["eq"]:
                _compared(cls, frozen=frozen)
            if frozen:
                _frozen(cls, names)
        else:
            dataclasses.dataclass(cls, **options, init=False)
        for name, value in {**said, "init": True}.items():
            setattr(cls.__dataclass_params__, name, value)
        cls.__init__ = _init_of(cls, frozen=frozen)
        if unsaid:
            cls.__doc__ += str(inspect.signature(cls)).replace(" -> None", "")
        del cls.__setstate__

    def _give(cls, name, method):
        """Give a class a method that it does not have itself."""
        if name not in vars(cls):
            setattr(cls, name, method)

    @reprlib.recursive_repr()
    def _repr(self):
        shown = (own.name for own in dataclasses.fields(self) if own.repr)
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({said})"

    def _compared(cls, *, frozen):
        """Give a class ``__eq__``, and a frozen one ``__hash__``, by the values of its fields."""
        every = dataclasses.fields(cls)
        values = _values([own.name for own in every if own.compare])
        counted = _values(
            [own.name for own in every if (own.compare if own.hash is None else own.hash)]
        )

        def __eq__(self, other):
            if other.__class__ is self.__class__:
                return values(self) == values(other)
            return NotImplemented

        def __hash__(self):
            return hash(counted(self))

        own = vars(cls)
        hashed = "__hash__" in own and not (own["__hash__"] is None and "__eq__" in own)
        _give(cls, "__eq__", __eq__)
        if not hashed:
            cls.__hash__ = __hash__ if frozen else None

    def _values(names):
        """Function of an object to the tuple of its values of that names."""
        if len(names) > 1:
            return operator.attrgetter(*names)
        return lambda own: tuple(getattr(own, name) for name in names)

    def _frozen(cls, names):
        """Give a class the two methods that refuse to change its fields."""

        def __setattr__(self, name, value):
            if type(self) is cls or name in names:
                raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
            super(cls, self).__setattr__(name, value)

        def __delattr__(self, name):
            if type(self) is cls or name in names:
                raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
            super(cls, self).__delattr__(name)

        for method in (__setattr__, __delattr__):
            if method.__name__ in vars(cls):
                raise TypeError(
                    f"Cannot overwrite attribute {method.__name__} in class {cls.__name__}"
                )
            setattr(cls, method.__name__, method)

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
