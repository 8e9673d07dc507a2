"""Flags of the command line, each declared beside the field of a job, and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Flag:
    """A flag or an argument of the command line, declared in the annotation of a field.

    ``steps: Annotated[int | None, Flag("How many.", metavar="N")] = None`` is a flag ``--steps``,
    a setting ``steps`` of the file, and a variable ``XAI_HEATMAP_STEPS``.

    Parameters
    ----------
    help
        One line or two; a default that is not shown by itself stands at its end.
    names
        As they are typed; by default the field's name, with ``--no-`` beside it for yes and no.
    metavar
        What stands for the value in the help.
    argument
        Whether it has a place instead of a name.
    after
        The field that it stands behind in the help; by default it stands where it is declared.
    default_shown
        Whether the help ends in the field's own default.
    commas
        Whether several words may stand in one, with commas between them.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str | None = None
    argument: bool = False
    after: str = ""
    default_shown: bool = False
    commas: bool = False

    def typed(self, field: str, kind: type) -> tuple[str, ...]:
        """The names as they are typed, of a field of that kind."""
        name = field.replace("_", "-")
        return self.names or (f"--{name}/--no-{name}" if kind is bool else f"--{name}",)


@dataclass(frozen=True)
class Said:
    """A flag with the field that it belongs to.

    Parameters
    ----------
    field
        The name of the field.
    flag
        How it is said.
    kind
        The type that the command line reads: text where the field's own reading takes it.
    several
        Whether it can be said again and again.
    default
        The field's own; None where it has to be said.
    required
        Whether it has to be said.
    least
        The lowest number that the field takes.
    """

    field: str
    flag: Flag
    kind: type
    several: bool
    default: object
    required: bool
    least: int | None


def flags_of(job: type[BaseModel], hidden: frozenset[str] = frozenset()) -> list[Said]:
    """Every flag of a job, in the order of the help."""
    said = {name: one for name, one in _declared(job) if name not in hidden}
    order = [name for name, one in said.items() if not one.flag.after]
    while left := [name for name in said if name not in order]:
        placed = next((name for name in left if said[name].flag.after in order), None)
        if placed is None:
            raise TypeError(f"{job.__name__}: {left} stand behind flags that are not there.")
        order.insert(order.index(said[placed].flag.after) + 1, placed)
    return [said[name] for name in order]


def _declared(job: type[BaseModel]) -> Iterator[tuple[str, Said]]:
    for name, field in job.model_fields.items():
        flags = [note for note in field.metadata if isinstance(note, Flag)]
        if flags:
            kind, several = _kind(field.annotation)
            default = None if field.is_required() else field.get_default()
            yield (
                name,
                Said(name, flags[-1], kind, several, default, field.is_required(), _least(field)),
            )


def _kind(annotation: Any) -> tuple[type, bool]:
    """The type that is read, and whether there may be several: of a list of words a word, of other
    lists the text that they are written as.
    """
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    parts = get_args(annotation)
    if get_origin(annotation) is tuple:
        return str, parts[0] is str and Ellipsis in parts
    if get_origin(annotation) is Literal:
        return str, False
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        (own,) = (part for part in parts if part is not type(None))
        return _kind(own)
    return annotation, False


def _least(field: FieldInfo) -> int | None:
    return next((note.ge for note in field.metadata if hasattr(note, "ge")), None)
