"""Flags of options that many methods have: the user's own regions, windows, steps, baselines.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from typing import Annotated

from pydantic import BeforeValidator

from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.task import Task


class OptionFlag(Flag):
    """Flag of an option of methods: the field has the option's name, and its text is read as the
    option is.
    """


def _text(value: object) -> object:
    """Text of a number or of several, as a file of settings may hold these."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str | None, BeforeValidator(_text)]


class MethodOptions(Task):
    """Base of jobs whose methods have options; each is for all methods that have it.

    Parameters
    ----------
    regions
        A file with the user's own regions, as for `sources.regions.regions_in`.
    window, stride, cells
        A whole number, or one for each axis: ``16`` or ``16,8``.
    baseline, fill
        What stands for "nothing there": a word, a number, or an array as ``.npy``.
    steps, samples
        As each method's page says.
    """

    regions: Annotated[
        Text,
        OptionFlag(
            "Your own regions, for methods that take them (occlusion, rise, sobol, hsic, xrai): a "
            "label image or .npy.",
            metavar="FILE",
            after="option",
        ),
    ] = None
    window: Annotated[
        Text,
        OptionFlag(
            "Of occlusion: places that are covered together, one number or one an axis.",
            metavar="N|A,B",
            after="regions",
        ),
    ] = None
    stride: Annotated[
        Text,
        OptionFlag("Of occlusion: how far the window moves.", metavar="N|A,B", after="window"),
    ] = None
    cells: Annotated[
        Text,
        OptionFlag("Of rise, sobol, hsic: along each axis.", metavar="N|A,B", after="stride"),
    ] = None
    baseline: Annotated[
        Text,
        OptionFlag(
            "Where paths begin: zero, mean, blur, a number, or .npy.", metavar="WHAT", after="cells"
        ),
    ] = None
    fill: Annotated[
        Text,
        OptionFlag(
            "What masks put: zero, mean, blur, a number, or .npy.",
            metavar="WHAT",
            after="baseline",
        ),
    ] = None
    steps: Annotated[
        Text, OptionFlag("Of methods that walk a path.", metavar="N", after="fill")
    ] = None
    samples: Annotated[
        Text, OptionFlag("Of methods that draw masks or noise.", metavar="N", after="steps")
    ] = None

    def method_options(self) -> dict[str, str]:
        """Texts of the options that were said, by name."""
        own = {
            name: getattr(self, name)
            for name, field in MethodOptions.model_fields.items()
            if any(isinstance(note, OptionFlag) for note in field.metadata)
        }
        return {name: text for name, text in own.items() if text is not None}
