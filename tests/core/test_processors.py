"""How many processors a process may use: affinity, control groups, the user's word."""

import os
from pathlib import Path

import pytest

from xai_heatmap.core import processors
from xai_heatmap.core.errors import BadOption


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of eight processors without limits; says where its groups are written."""
    monkeypatch.delenv(processors.VARIABLE, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "GROUPS", tmp_path)
    return tmp_path


def paid(groups: Path, own: str) -> int | None:
    (groups / "own").write_text(own)
    return processors.paid_for(groups, groups / "own")


def test_nothing_is_said_where_nothing_limits(machine):
    assert processors.threads() is None


def test_affinity_counts(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    assert processors.threads() == 2


def test_no_affinity_on_other_systems(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processors.threads() is None


@pytest.mark.parametrize(
    ("said", "cores"),
    [("max 100000", None), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1)],
)
def test_a_group_pays_for_so_many(tmp_path, said, cores):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "cpu.max").write_text(said)
    assert paid(tmp_path, "0::/a/b\n") == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", None), ("300000", 3)])
def test_a_group_of_the_first_kind(tmp_path, quota, cores):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert paid(tmp_path, "4:memory:/x\n1:cpuacct,cpu:/elsewhere/../y\n0::/\n") == cores


def test_the_smallest_of_all_groups_above(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "cpu.max").write_text("100000 100000")
    (tmp_path / "a" / "b" / "cpu.max").write_text("400000 100000")
    assert paid(tmp_path, "0::/a/b\n") == 1


@pytest.mark.parametrize("own", ["", "nonsense", "0::", ":::::"])
def test_what_can_t_be_read_limits_nothing(tmp_path, own):
    assert paid(tmp_path, own) is None
    assert processors.paid_for(tmp_path, tmp_path / "absent") is None


def test_the_users_word_comes_first(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    monkeypatch.setenv(processors.VARIABLE, " 6 ")
    assert processors.threads() == 6


@pytest.mark.parametrize("said", ["0", "-1", "two", "1.5", "٣"])
def test_what_is_no_number_is_refused(machine, monkeypatch, said):
    monkeypatch.setenv(processors.VARIABLE, said)
    with pytest.raises(BadOption, match="a number of threads, such as 1"):
        processors.threads()
