"""A flag is one field of a job: help, setting, variable and value follow from it."""

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field

from xai_heatmap.apps.cli.flags import Debug, Json, command
from xai_heatmap.core.errors import BadOption
from xai_heatmap.jobs.flag import Flag, flags_of
from xai_heatmap.jobs.job import Compare, Explain, Export, Layers, job_of
from xai_heatmap.jobs.settings import settled
from xai_heatmap.jobs.task import Task
from xai_heatmap.jobs.values import Numbers, Words


class Ghostly(Explain):
    """Explain, and one flag more: this field is all that is written for it."""

    ghosts: Annotated[
        int | None, Flag("How many ghosts may be seen.", metavar="N", after="layer")
    ] = None


def called(job, *words):
    """What a command made of that job gets for these words, and what its help says."""
    got = {}

    def run(flags, *, as_json: Json = False, debug: Debug = False) -> int:
        """Do nothing."""
        got.update(flags=flags, as_json=as_json)
        return 7

    made = command(job, run)
    with made.make_context("try", list(words)) as context:
        assert made.invoke(context) == 7
    return got


def help_of(job):
    def run(flags, *, debug: Debug = False) -> int:
        """Do nothing."""
        return 0

    made = command(job, run)
    return made.get_help(made.make_context("try", [], resilient_parsing=True))


def test_a_field_is_a_flag_with_its_help():
    said = help_of(Ghostly)
    assert re.search(r"--ghosts N +How many ghosts may be seen\.", said)
    flags = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)
    assert flags.index("--ghosts") == flags.index("--layer") + 1
    assert "--ghosts" not in help_of(Explain)


def test_its_value_arrives_in_the_job(tmp_path):
    got = called(Ghostly, "--ghosts", "3", "cat.png", "--json")
    assert got == {"flags": {"ghosts": 3, "images": ["cat.png"]}, "as_json": True}
    job = settled(Ghostly, got["flags"], environment={}, folder=tmp_path)
    assert (job.ghosts, job.images) == (3, ("cat.png",))
    assert called(Ghostly)["flags"] == {}


def test_it_is_a_variable_and_a_setting_of_the_file(tmp_path):
    variable = {"XAI_HEATMAP_GHOSTS": "4"}
    assert settled(Ghostly, {}, environment=variable, folder=tmp_path).ghosts == 4
    (tmp_path / "xai-heatmap.toml").write_text("ghosts = 5")
    assert settled(Ghostly, {}, environment={}, folder=tmp_path).ghosts == 5
    assert settled(Ghostly, {"ghosts": 6}, environment=variable, folder=tmp_path).ghosts == 6
    with pytest.raises(BadOption, match="sets 'ghosts', which is not a setting"):
        settled(Explain, {}, environment={}, folder=tmp_path)
    assert "ghosts = 6\n" in Ghostly(ghosts=6).to_toml()


class Kinds(Task):
    kind: Literal["kinds"] = "kinds"
    words: Annotated[Words, Flag("Words.", commas=True)] = ()
    plain: Annotated[Words, Flag("Words, one at a time.")] = ()
    numbers: Annotated[Numbers | None, Flag("Numbers.")] = None
    whole: Annotated[int, Field(ge=2), Flag("A number.", default_shown=True)] = 5
    yes: Annotated[bool, Flag("Yes or no.")] = True
    three_words: Annotated[str | None, Flag("Text.", ("-t", "--text"))] = None
    silent: int = 3


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], {}),
        (["--words", "a,[b,c]", "--words", "d"], {"words": ["a", "[b,c]", "d"]}),
        (["--plain", "a,b"], {"plain": ["a,b"]}),
        (["--numbers", "1,2"], {"numbers": "1,2"}),
        (["--whole", "5"], {"whole": 5}),
        (["--no-yes"], {"yes": False}),
        (["--yes"], {"yes": True}),
        (["-t", "x"], {"three_words": "x"}),
    ],
)
def test_what_is_said_is_read_as_the_field_is_and_nothing_else_is(words, flags):
    assert called(Kinds, *words)["flags"] == flags
    read = Kinds.model_validate(flags)
    assert (read.numbers, read.silent) == ((1.0, 2.0) if "numbers" in flags else None, 3)


def test_defaults_and_bounds_stand_in_the_help():
    said = help_of(Kinds)
    assert "[default: 5; x>=2]" in said
    assert "--silent" not in said
    assert "--yes / --no-yes" in said
    with pytest.raises(Exception, match="greater than or equal to 2"):
        called(Kinds, "--whole", "1")


def test_a_default_that_is_shown_does_not_win_over_the_file(tmp_path):
    (tmp_path / "xai-heatmap.toml").write_text("rows = 3")
    flags = called(Compare)["flags"]
    assert settled(Compare, flags, environment={}, folder=tmp_path).rows == 3
    said = called(Compare, "--rows", "12")["flags"]
    assert settled(Compare, said, environment={}, folder=tmp_path).rows == 12


def test_a_flag_behind_one_that_is_not_there_is_said():
    class Lost(Task):
        kind: Literal["lost"] = "lost"
        here: Annotated[int, Flag("x", after="nowhere")] = 1

    with pytest.raises(TypeError, match="'here'"):
        flags_of(Lost)


@pytest.mark.parametrize(
    "job",
    [
        Explain(images=("a.png",), size=(3, 4), alpha=0.5),
        Compare(rows=3, method=("rise",)),
        Layers(model="demo"),
        Export(model="demo", out="x.onnx"),
    ],
)
def test_a_job_is_its_json_and_is_told_apart_by_its_kind(job):
    again = job_of(job.model_dump_json())
    assert again == job
    assert type(again) is type(job)


def test_settings_of_another_command_are_left_alone(tmp_path):
    (tmp_path / "xai-heatmap.toml").write_text("rows = 3\nlegend = true\nalpha = 0.5")
    assert settled(Explain, {}, environment={}, folder=tmp_path).alpha == 0.5
    assert settled(Layers, {}, environment={}, folder=tmp_path).alpha == 0.5
    flags = {"model": "demo", "out": "x.onnx"}
    variables = {"XAI_HEATMAP_METHOD": "rise"}
    made = settled(Export, flags, environment=variables, folder=tmp_path)
    assert (made.method, str(made.out)) == ("gradcam", "x.onnx")


def test_every_field_of_a_job_is_a_flag_or_hidden():
    for job in (Explain, Compare, Layers, Export):
        shown = {one.field for one in job.flags()}
        assert shown | job.hidden | {"kind"} == set(job.model_fields)
