"""What every test costs: a plugin of pytest that adds up processor time and names the dear ones.

Processor seconds of the process and of those that it started are counted, not seconds of a clock:
a busy machine makes a test wait, but not dearer. ``--budget list`` says at the end which tests that
are not marked slow cost more than ``BUDGET``, and how near their sum comes to ``SUM``;
``--budget fail`` makes a failure of it, for whoever marks tests. Nothing that decides whether a
change lands asks for that. ``--costs FILE`` writes what every test cost as JSON.
``--budget write`` puts the dearest of the fast ones into `tests/dear.txt`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import dear

BUDGET = 0.5
"""Processor seconds that a test may cost before it has to be marked slow."""

SUM = 60.0
"""Processor seconds that all those not marked slow may cost together: with starting the
frameworks twice and checking types, a minute of two cores."""

COUNT = 1500
"""How many tests the fast set has at least."""

LISTED = 30


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("budget")
    ways = ("list", "fail", "write")
    group.addoption("--budget", choices=ways, help="say what costs too much, or write it down")
    group.addoption("--costs", type=Path, help="a JSON file of what every test cost")


def spent() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The body of a test alone: what its module or session prepares belongs to no single test."""
    before = spent()
    try:
        return (yield)
    finally:
        item.user_properties.append(("cost", round(spent() - before, 3)))
        item.user_properties.append(("slow", item.get_closest_marker("slow") is not None))


def costs(reporter: pytest.TerminalReporter) -> dict[str, tuple[float, bool]]:
    """By test, what it cost and whether it is marked slow, from whichever worker ran it."""
    found = {}
    for report in [one for kind in ("passed", "failed") for one in reporter.stats.get(kind, ())]:
        said = dict(getattr(report, "user_properties", ()))
        if report.when == "call" and "cost" in said:
            found[report.nodeid] = said["cost"], said["slow"]
    return found


def over(found: dict[str, tuple[float, bool]]) -> list[tuple[float, str]]:
    """The tests that are not marked slow and cost more than the budget, the dearest first."""
    many = [(cost, name) for name, (cost, slow) in found.items() if cost > BUDGET and not slow]
    return sorted(many, reverse=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or reporter is None:
        return
    found = costs(reporter)
    if (path := session.config.getoption("costs")) is not None:
        path.write_text(json.dumps({name: cost for name, (cost, _) in found.items()}, indent=0))
    if session.config.getoption("budget") == "write":
        dear.WRITTEN.write_text(dear.written(found), encoding="utf-8")
    fast = sum(cost for cost, slow in found.values() if not slow)
    if session.config.getoption("budget") == "fail" and (over(found) or fast > SUM):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("budget") is None:
        return
    found = costs(terminalreporter)
    fast = [cost for cost, slow in found.values() if not slow]
    terminalreporter.section("budget")
    terminalreporter.write_line(
        f"{len(fast)} tests (at least {COUNT}), {sum(fast):.1f} processor seconds in their bodies "
        f"(at most {SUM:.0f})"
    )
    many = over(found)
    for cost, name in many[:LISTED]:
        terminalreporter.write_line(f"{cost:6.2f} s, more than {BUDGET}: mark it slow: {name}")
    if len(many) > LISTED:
        terminalreporter.write_line(f"and {len(many) - LISTED} more")
