"""Numbers of things in words, and that no message puts a number before a plural by itself."""

import ast
import re
from pathlib import Path

import pytest

from xai_heatmap.core.counted import counted, noun

SOURCE = Path(__file__).resolve().parents[2] / "src" / "xai_heatmap"

PLURALS = re.compile(
    r" (?:more |other )?(pictures|images|layers|classes|maps|methods|rows|groups|frames|passes"
    r"|channels|tokens|labels|explanations|shards|errors|looks|findings|comparisons|bands|pages)\b"
)

MANY = re.compile(
    r"counted\(.*|[A-Z_]+|.* if .*|.*shape.*|.*join\(.*|model|name|network.name|(self|box).*name"
)
"""Expressions that are no number, or one that is never 1: constants, shapes as 3x224."""

NEVER_ONE = {
    "core/targets/classes.py": "len(found)",
    "exporting/export.py": "maps_ images",
    "networks/opening/held.py": "images",
    "networks/opening/one_by_one.py": "fixed",
    "runners/audit/findings.py": "len(away)",
    "sources/tiff.py": "number",
    "testing/conformance/batches.py": "number",
}
"""Where the number is known to be at least 2, or the words before it say one."""


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ("picture",), "1 picture"),
        (0, ("picture",), "0 pictures"),
        (2, ("more class",), "2 more classes"),
        (3, ("entry",), "3 entries"),
        (3, ("day",), "3 days"),
        (2, ("axis", "axes"), "2 axes"),
        (1, ("row was read", "rows were read"), "1 row was read"),
    ],
)
def test_one_is_said_in_the_singular(number, words, said):
    assert counted(number, *words) == said
    assert said == f"{number} {noun(number, *words)}"


def numbers_before_plurals():
    """Formatted values that stand right before a plural in a text, by file and line."""
    for path in sorted(SOURCE.rglob("*.py")):
        own = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            for one, after in zip(node.values, node.values[1:], strict=False):
                if not isinstance(one, ast.FormattedValue) or not isinstance(after, ast.Constant):
                    continue
                said = ast.unparse(one.value)
                known = said in NEVER_ONE.get(own, "").split()
                plain = one.conversion == -1 and one.format_spec is None
                if plain and PLURALS.match(after.value) and not known and not MANY.fullmatch(said):
                    yield f"{own}:{one.lineno}: {{{said}}}{after.value[:20]}"


@pytest.mark.slow
def test_no_text_counts_by_itself():
    found = list(numbers_before_plurals())
    assert not found, "write counted(number, 'thing'):\n" + "\n".join(found)
