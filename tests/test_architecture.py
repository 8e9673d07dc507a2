"""The house as it stands: rooms, arrows and floors of the imports, and the table that leads there.

`python tests/test_architecture.py` prints them.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "xai_heatmap"
ROOMS, ARROWS, FLOORS = 18, 66, 6
"""At most."""

FILE, FUNCTION = 300, 60
"""Lines at most; of a function its docstring is not counted, which lists every argument."""


def modules():
    """Every module by its dotted name below the package."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts:
            found[".".join(parts)] = path
    return found


def imported(path, known):
    """Modules of the package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xai_heatmap"):
            base = node.module.removeprefix("xai_heatmap").lstrip(".")
            for name in node.names:
                full = f"{base}.{name.name}".lstrip(".")
                yield full if full in known else base
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("xai_heatmap."):
                    yield name.name.removeprefix("xai_heatmap.")


def house():
    """From each room to the rooms that it imports from."""
    known = modules()
    arrows = {name.partition(".")[0]: set() for name in known}
    for name, path in known.items():
        room = name.partition(".")[0]
        rooms = {target.partition(".")[0] for target in imported(path, known)}
        arrows[room] |= rooms & set(arrows) - {room}
    return arrows


def floors(arrows):
    """Each room's floor: 1, or one above the highest that it imports from."""
    found = {}

    def floor(room, way=()):
        assert room not in way, f"a circle: {' -> '.join((*way, room))}"
        if room not in found:
            below = [floor(other, (*way, room)) for other in arrows[room]]
            found[room] = 1 + max(below, default=0)
        return found[room]

    for room in arrows:
        floor(room)
    return found


@pytest.mark.slow
def test_the_house_stays_small_and_has_no_circle():
    arrows = house()
    assert len(arrows) <= ROOMS
    assert sum(map(len, arrows.values())) <= ARROWS
    assert max(floors(arrows).values()) <= FLOORS


def test_a_circle_is_seen():
    with pytest.raises(AssertionError, match="a -> b -> a"):
        floors({"a": {"b"}, "b": {"a"}})


def test_every_place_that_the_table_names_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", page)
    assert len(named) > 80
    missing = [name for name in named if not any((top / name).exists() for top in (SOURCE, ROOT))]
    assert missing == []


def test_the_way_of_a_picture_is_made_of_lines_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    way = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL).group(1).splitlines()
    code = [line for line in way if not line.startswith("#")]
    assert len(code) == 8
    path = None
    for line in way:
        if line.startswith("#"):
            path = SOURCE / line.removeprefix("# ").partition(":")[0]
        else:
            assert line in path.read_text("utf-8"), (path, line)


def test_types_are_checked_in_every_room_but_testing():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    options = settings["tool"]["pytest"]["ini_options"]["addopts"]
    (hook,) = (one for one in options if one.startswith("--jaxtyping-packages="))
    checked = set(re.findall(r"xai_heatmap\.(\w+)", hook))
    assert checked == {path.parent.name for path in SOURCE.glob("*/__init__.py")} - {"testing"}


def test_no_two_files_of_tests_have_one_name():
    """pytest imports them by it, and collects nothing at all where two are alike."""
    names = sorted(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in set(names) if names.count(name) > 1] == []


def functions(tree):
    """Every function below a node with its lines, without decorators and docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield node.name, lines


def too_long(name, code):
    """What of a file is longer than it may be, in words."""
    lines = len(code.splitlines())
    found = [f"{name}: {lines} lines"] if lines > FILE else []
    return found + [
        f"{name}: {function}() has {lines} lines"
        for function, lines in functions(ast.parse(code))
        if lines > FUNCTION
    ]


def test_no_file_and_no_function_is_longer_than_a_reader_holds():
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        found += too_long(path.relative_to(SOURCE).as_posix(), path.read_text("utf-8"))
    assert found == []


def test_what_is_too_long_is_seen():
    line = "    x = 1\n"
    assert too_long("a.py", "x = 1\n" * 300) == []
    assert too_long("a.py", "x = 1\n" * 301) == ["a.py: 301 lines"]
    assert too_long("a.py", "def f():\n" + line * 59) == []
    assert too_long("a.py", "def f():\n" + line * 60) == ["a.py: f() has 61 lines"]
    documented = 'def f():\n    """One.\n\n    Two.\n    """\n' + line * 59
    assert too_long("a.py", documented) == []


def test_no_module_stands_at_the_root():
    assert [path.name for path in SOURCE.glob("*.py")] == ["__init__.py"]


if __name__ == "__main__":
    seen = house()
    lines = [f"{len(seen)} rooms, {sum(map(len, seen.values()))} arrows"]
    for room, floor in sorted(floors(seen).items(), key=lambda one: (-one[1], one[0])):
        lines.append(f"floor {floor}  {room:<10} imports {', '.join(sorted(seen[room])) or '-'}")
    sys.stdout.write("\n".join(lines) + "\n")
