"""Commands made from jobs: what a field declares becomes a flag. Importing this imports no job."""

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

if TYPE_CHECKING:
    from xai_heatmap.jobs.flag import Said
    from xai_heatmap.jobs.task import Task

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors included.")]
Events = Annotated[bool, typer.Option("--json", help="Events on stdout, one line of JSON each.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]
PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="Print this call as TOML, and stop.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

Run = Callable[..., int]
"""A command: the flags that were said, by field, then switches that say how it is shown."""

CONTEXT = "context"


class Deferred(TyperCommand):
    """A command that reads its flags off a job when it is called: a list of commands needs none."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **how: Any):
        """The context of the command in full, which then runs in place of this one."""
        full = self.callback() if self.callback else self
        return full.make_context(info_name, args, parent, **how)


def job_command(
    app: typer.Typer, kind: str, *, short_help: str, epilog: str
) -> Callable[[Run], Run]:
    """Register a command that takes the flags of a job.

    Parameters
    ----------
    app
        Where it is registered.
    kind
        The name of the job's class in `jobs.job`, or in a module of `jobs` that stands before it.
    short_help, epilog
        Beside its name in the list of commands, and below its help.
    """

    def register(run: Run) -> Run:
        def deferred() -> TyperCommand:
            module, _, name = kind.rpartition(".")
            job = getattr(import_module(f"xai_heatmap.jobs.{module or 'job'}"), name)
            return command(job, run, short_help=short_help, epilog=epilog)

        deferred.__doc__ = run.__doc__
        app.command(run.__name__, cls=Deferred, short_help=short_help, epilog=epilog)(deferred)
        return run

    return register


def command(job: "type[Task]", run: Run, *, short_help: str = "", epilog: str = "") -> TyperCommand:
    """A command with a flag for each field of a job that declares one, then the switches of `run`.

    `run` gets what was said, by field, and its own switches; what was not said is left to the file
    of settings, to variables and to the job's defaults.
    """
    said = job.flags()
    switches = list(signature(run, eval_str=True).parameters.values())[1:]

    def called(**given: Any) -> int:
        context = given.pop(CONTEXT)
        own = {switch.name: given.pop(switch.name) for switch in switches}
        return run(_spoken(said, given, context), **own)

    own = Parameter(CONTEXT, Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [own, *map(_parameter, said), *switches]
    called.__signature__ = Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    called.__doc__, called.__name__ = run.__doc__, run.__name__
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    alone.command(run.__name__, short_help=short_help, epilog=epilog)(called)
    found = get_command(alone)
    assert isinstance(found, TyperCommand)  # noqa: S101 - one command makes no group
    return found


def _spoken(said: "list[Said]", given: Mapping[str, Any], context: Any) -> dict[str, object]:
    from xai_heatmap.jobs.values import parts

    spoken: dict[str, object] = {}
    for one in said:
        source = context.get_parameter_source(one.field)
        if source is None or source.name != "DEFAULT":
            value = given[one.field]
            spoken[one.field] = parts(value or []) if one.flag.commas else value
    return spoken


def _parameter(one: "Said") -> Parameter:
    """A field of a job as a parameter that Typer reads."""
    flag = one.flag
    kind = list[one.kind] if one.several else one.kind
    shown = flag.default_shown
    if flag.argument:
        told = typer.Argument(metavar=flag.metavar, help=flag.help, show_default=False)
    else:
        told = typer.Option(
            *flag.typed(one.field, one.kind),
            metavar=flag.metavar,
            help=flag.help,
            min=one.least,
            show_default=shown,
        )
    annotation = Annotated[kind if one.required or shown else kind | None, told]
    default = Parameter.empty if one.required else one.default if shown else None
    return Parameter(one.field, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
