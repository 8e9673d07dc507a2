"""Write docs/troubleshooting.md, every error by its own text, as `make docs` does.

The examples of `troubleshooting_examples.py` are run; what each one raises is what the page says.
"""

import contextlib
import inspect
import io
import os
import re
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

import troubleshooting_examples
from troubleshooting_examples import EXAMPLES, Example

import xai_heatmap as xh
from xai_heatmap.apps.cli import main as command_line
from xai_heatmap.core import errors

PAGE = Path(__file__).resolve().parent / "troubleshooting.md"

LISTED = re.compile(r"(Known|without): .*?\.$")
"""Names of whatever is registered, which a page of errors need not repeat."""

HEAD = """# When it stops: every error by its own text

Search this page for the code or for the words of the message. Each code has an example that raises
it; `make docs` runs the examples and writes down what they said. Codes never change their meaning,
and `except xh.XaiHeatmapError` catches all of them. On the command line the code stands before the
message, `--json` gives it as a field, `--debug` shows where it came from.

The examples know the pictures `photo.png`, `bright.png` (white) and `broken.png` (cut off), and
these networks:

```python
{networks}
```

| code | error | exit code of the command | what it says |
|---|---|---|---|
"""


def raised() -> list[type[errors.XaiHeatmapError]]:
    """Every error of the tree that is raised itself, in the order of the codes."""
    tree = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    own = [one for one in tree if issubclass(one, errors.XaiHeatmapError)]
    roots = {errors.XaiHeatmapError, errors.UsageError, errors.ModelError, errors.InputError}
    return sorted(set(own) - roots, key=lambda one: one.code)


@contextlib.contextmanager
def in_a_folder() -> Iterator[None]:
    """A working directory with the pictures and the module that the examples name."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            troubleshooting_examples.prepare(Path(folder))
            yield
        finally:
            os.chdir(before)


def said(example: Example) -> tuple[str, str]:
    """Code and message of the error that an example ends in; where it ends in none, nothing."""
    if example.code.startswith("xai-heatmap "):
        heard = io.StringIO()
        with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
            command_line(example.code.split()[1:])
        found = [line for line in heard.getvalue().splitlines() if line.startswith("error XH")]
        code, _, message = (
            found[0].removeprefix("error ").partition(": ") if found else ("", "", "")
        )
        return code.strip(), message
    script = sys.modules["script"] = types.ModuleType("script")  # a pickle asks for it by name
    try:
        exec(troubleshooting_examples.NETWORKS + example.code, vars(script))  # noqa: S102 - ours
    except xh.XaiHeatmapError as error:
        return error.code, str(error)
    finally:
        del sys.modules["script"]
    return "", ""


def section(kind: type[errors.XaiHeatmapError]) -> str:
    """What the page says of one error."""
    example = EXAMPLES[kind.code]
    code, message = said(example)
    if code != kind.code:
        raise SystemExit(f"the example of {kind.code} ends in {code or 'no error'}: {message}")
    message = LISTED.sub(r"\1: …", message.replace(str(Path.cwd()), "/home/me"))
    language = "sh" if example.code.startswith("xai-heatmap ") else "python"
    return (
        f"## {kind.code}: {kind.__name__}\n\n{inspect.cleandoc(kind.__doc__ or '')}\n\n"
        f"```{language}\n{example.code.strip()}\n```\n\n> {message}\n\n"
        f"**What to do.** {example.remedy}\n"
    )


def page() -> str:
    """The whole page."""
    known = raised()
    rows = [
        f"| [{one.code}](#{one.code.lower()}-{one.__name__.lower()}) | {one.__name__} "
        f"| {one.exit_code} | {inspect.cleandoc(one.__doc__ or '').splitlines()[0]} |\n"
        for one in known
    ]
    networks = inspect.cleandoc(troubleshooting_examples.NETWORKS)
    with in_a_folder():
        sections = [section(one) for one in known]
    return HEAD.format(networks=networks) + "".join(rows) + "\n" + "\n".join(sections)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
