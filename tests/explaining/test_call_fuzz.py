"""Random calls end in an answer or in an error of the project, never in anything else."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import call_fuzz


@pytest.mark.slow
def test_random_calls_are_answered_or_refused(capsys, unchecked):
    """`make fuzz` goes on where these few end."""
    call_fuzz.main(seed=1, count=150)
    said = capsys.readouterr().out
    counted = dict(word.split("=") for word in said.splitlines()[-1].split())
    assert counted["wrong"] == "0", said
    assert int(counted["answer"]) > 30
    assert int(counted["refused"]) > 10
