"""No block of code in any page is left untried: what is Python runs in some test, or is a call
whose arguments are held against the signature; a command has flags that the command line knows.
"""

import ast
import builtins
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

import xai_heatmap as xh
from test_pages import PAGES
from xai_heatmap.apps.cli.app import app
from xai_heatmap.apps.cli.flags import Deferred
from xai_heatmap.core.metric import METRICS
from xai_heatmap.core.registry import METHODS

ROOT = Path(__file__).resolve().parent.parent
EVERY = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "findings/*.md", "training/*.md")
    for page in ROOT.glob(pattern)
    if page.parent.name not in ("decisions", "site")
)
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUN_ELSEWHERE = {
    "README.md": "test_readme.py",
    "CONTRIBUTING.md": "test_contributing.py",
    "docs/troubleshooting.md": "test_troubleshooting.py",
    "docs/architecture.md": "test_architecture.py",
}
CALLS = ("docs/methods/", "docs/metrics/")
"""Pages whose blocks are one call each; what is called there is tested by itself."""

ENDS = ("|", "&&", ">", ">>")
"""Words that end a command."""

KNOWN = {"", "sh", "bash", "toml", "text", "sql", "{toctree}"}


def commands(page):
    """Lines of a page that are typed into a shell; one that goes on below is one line."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    inside = [code for of, code in FENCE.findall(text) if of in ("sh", "bash")]
    lines = [line for code in inside for line in code.splitlines()]
    lines += re.findall(r"^ {4}(xai-heatmap .*)$", text, re.MULTILINE)
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


COMMANDS = [(page, line) for page in EVERY for line in commands(page)]


def name(page):
    return page.relative_to(ROOT).as_posix()


def python(page):
    return [code for of, code in FENCE.findall(page.read_text("utf-8")) if of.startswith("python")]


def test_every_block_is_of_a_kind_that_is_tried():
    kinds = {of for page in EVERY for of, _ in FENCE.findall(page.read_text("utf-8"))}
    assert {of for of in kinds if not of.startswith("python")} <= KNOWN


def test_every_page_with_python_is_run_by_a_test():
    left = [
        name(page)
        for page in EVERY
        if python(page) and page not in PAGES and not name(page).startswith(CALLS)
    ]
    assert {*left} == {*RUN_ELSEWHERE}
    for page, test in RUN_ELSEWHERE.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text("utf-8") or test in (
            "test_troubleshooting.py", "test_architecture.py",
        )  # fmt: skip


@pytest.mark.parametrize("page", [one for one in EVERY if name(one).startswith(CALLS)], ids=name)
def test_calls_on_generated_pages_are_calls(page):
    if page in PAGES:
        return
    for code in python(page):
        for call in (one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Call)):
            if not ast.unparse(call.func).startswith("xh."):
                continue
            given = {
                one.arg: None if isinstance(one.value, ast.Name) else ast.literal_eval(one.value)
                for one in call.keywords
            }
            own = getattr(xh, ast.unparse(call.func).removeprefix("xh."))
            inspect.signature(own).bind(*call.args, **given)
            assert {given.get("method", "gradcam").split(":")[-1]} <= {*METHODS}
            assert {*given.get("metrics", ())} <= {*METRICS}


def unmade(page):
    """Names that blocks of a page use and no block above, nor the same, makes."""
    made, left = {*dir(builtins)}, set()
    for code in python(page):
        every = [*ast.walk(ast.parse(code))]
        made |= {one.arg for one in every if isinstance(one, ast.arg)}
        made |= {one.name for one in every if isinstance(one, ast.ClassDef | ast.FunctionDef)}
        made |= {
            (one.asname or one.name).split(".")[0] for one in every if isinstance(one, ast.alias)
        }
        names = [one for one in every if isinstance(one, ast.Name)]
        made |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
        left |= {one.id for one in names} - made
    return left


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_makes_what_its_blocks_use_or_says_what_it_is(page):
    told = FENCE.sub("", page.read_text("utf-8"))
    assert [name for name in sorted(unmade(page)) if f"`{name}`" not in told] == []


def unknown(line):
    """Words of a command of this package that its command line does not know."""
    words = shlex.split(line, comments=True)
    words = words[1 : next((at for at, one in enumerate(words) if one in ENDS), None)]
    command = get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return [words[0]]
        command, words = command.commands[words[0]], words[1:]
    command = command.callback() if isinstance(command, Deferred) else command
    known = {one for own in command.params for one in (*own.opts, *own.secondary_opts)}
    flags = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [flag for flag in flags if flag not in known | {"--help", "-h"}]


def test_a_command_has_flags_that_the_command_line_knows():
    own = [(page, line) for page, line in COMMANDS if line.startswith("xai-heatmap")]
    assert len(own) > 100
    wrong = [(name(page), line, found) for page, line in own if (found := unknown(line))]
    assert not wrong
    assert unknown("xai-heatmap explain a.jpg --modle m.onnx") == ["--modle"]
    assert unknown("xai-heatmap explian a.jpg") == ["explian"]


def test_other_commands_are_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    for page, line in COMMANDS:
        for target in re.findall(r"^make ([a-z]+)", line):
            assert target in targets, (page, line)
        for several in re.findall(r"xai-heatmap\[([a-z,]+)\]", line):
            assert {*several.split(",")} <= {*extras}, (page, line)
        for module in re.findall(r"^python -m ((?:benchmarks|training)[.\w]*)", line):
            at = ROOT / module.replace(".", "/")
            assert at.with_suffix(".py").exists() or (at / "__main__.py").exists(), (page, line)
