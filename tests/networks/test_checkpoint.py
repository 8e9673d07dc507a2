"""Which of the tensors in a file are a model's weights: one rule, and an end for any file."""

import warnings

import pytest
import torch
from torch import nn

from xai_heatmap.core.errors import NotAModel, UnsafeModel, XaiHeatmapError
from xai_heatmap.networks.loading.checkpoint import dicts_of_tensors
from xai_heatmap.networks.loading.load import load
from xai_heatmap.networks.loading.state_dict import load_state_dict


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture
def trained():
    torch.manual_seed(0)
    model = network()
    for value in model.state_dict().values():
        value.copy_(torch.rand(value.shape) * 3)
    return model.state_dict()


def under(prefix, weights):
    return {f"{prefix}{name}": value for name, value in weights.items()}


def saved(folder, content):
    path = folder / "held.pt"
    torch.save(content, path)
    return path


def filled(folder, content, model=None):
    model = model or network()
    load_state_dict(model, saved(folder, content))
    return model.state_dict()


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


PREFIXES = [
    "_orig_mod.",
    "model.",
    "net.",
    "module._orig_mod.",
    "a.b.c.",
    "0.",
    "résnet.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_that_all_names_share_is_taken_off_and_said(tmp_path, trained, prefix):
    with pytest.warns(UserWarning, match="their names without"):
        assert equal(filled(tmp_path, under(prefix, trained)), trained)


@pytest.mark.parametrize(
    "keys", [("model_ema",), ("ema", "weights"), ("state_dict_ema",), ("params",)]
)
def test_weights_under_any_key_are_found_and_said(tmp_path, trained, keys):
    content = trained
    for key in reversed(keys):
        content = {key: content, "epoch": 1, "optimizer": {"state": {0: {"step": torch.ones(1)}}}}
    with pytest.warns(UserWarning, match="under '" + ".".join(keys)):
        assert equal(filled(tmp_path, content), trained)


def test_usual_checkpoints_need_no_word(tmp_path, trained):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for content in (
            trained,
            under("module.", trained),
            {"state_dict": trained, "epoch": 3},
            {"model": trained},
        ):
            assert equal(filled(tmp_path, content), trained)


def test_the_usual_key_comes_before_an_average(tmp_path, trained):
    average = {name: torch.zeros_like(value) for name, value in trained.items()}
    content = {"state_dict_ema": average, "state_dict": trained}
    assert equal(filled(tmp_path, content), trained)


def test_what_belongs_to_the_training_is_left_out_and_said(tmp_path, trained):
    content = {"n_averaged": torch.ones(1), "loss.weight": torch.ones(2)} | under(
        "module.", trained
    )
    with pytest.warns(UserWarning, match="2 others, such as 'n_averaged', are left out"):
        assert equal(filled(tmp_path, content), trained)


def test_without_a_prefix_nothing_else_may_be_there(tmp_path, trained):
    with pytest.raises(NotAModel, match="1 unknown, such as loss"):
        filled(tmp_path, trained | {"loss": torch.ones(1)})


def test_two_models_of_one_kind_are_refused_by_name(tmp_path, trained):
    content = under("student.", trained) | under("teacher.", trained)
    with pytest.raises(NotAModel, match=r"'student\.', 'teacher\.'"):
        filled(tmp_path, content)


def test_a_prefix_is_whole_words(tmp_path, trained):
    with pytest.raises(NotAModel, match="another model"):
        filled(tmp_path, under("my", trained))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_weights_of_a_model_that_is_wrapped(tmp_path, trained):
    for wrapped in (nn.DataParallel(network()), torch.compile(network())):
        load_state_dict(wrapped, saved(tmp_path, trained))
        inner = getattr(wrapped, "module", None) or wrapped._orig_mod
        assert equal(inner.state_dict(), trained)


def test_another_model_is_still_another(tmp_path, trained):
    with pytest.raises(NotAModel, match="1 missing, such as bias"):
        filled(tmp_path, {"net.weight": torch.ones(2, 4)}, nn.Linear(4, 2))
    with pytest.raises(NotAModel, match="of another shape"):
        filled(tmp_path, under("model.", trained | {"4.bias": torch.ones(3)}))


def test_what_contains_itself_ends(tmp_path):
    first, second = {}, {}
    first["state_dict"], second["model"], first["net"] = second, first, first
    assert list(dicts_of_tensors(first)) == []
    with pytest.raises(NotAModel, match="no weights"):
        filled(tmp_path, first)


def test_what_is_nested_without_end_ends(tmp_path, trained):
    content = trained
    for _ in range(3000):
        content = {"state_dict": content}
    assert [found for _, found in dicts_of_tensors(content)] == [trained]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda w: w.to_sparse(), "sparse, such as"),
        (lambda w: w.to("meta"), "meta device"),
        (lambda w: w.to(torch.complex64), "complex64 instead of float32"),
        (lambda w: w.to(torch.int8), "int8 instead of float32"),
        (lambda w: w > 0, "bool instead of float32"),
        (lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), "qint8 instead of float32"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_numbers_of_another_kind_are_refused_in_words(tmp_path, trained, changed, words):
    content = {n: changed(w) if w.is_floating_point() else w for n, w in trained.items()}
    with pytest.raises(NotAModel, match=words):
        filled(tmp_path, content)


def test_an_empty_model_takes_the_weights_as_its_own(tmp_path, trained):
    with torch.device("meta"):
        model = network()
    assert equal(filled(tmp_path, trained, model), trained)


def test_lazy_modules_take_the_shapes_of_the_file(tmp_path):
    made = nn.LazyLinear(2)
    made(torch.ones(1, 7))
    lazy = nn.LazyLinear(2)
    load_state_dict(lazy, saved(tmp_path, made.state_dict()))
    assert lazy.weight.shape == (2, 7)


def test_a_model_that_refuses_its_weights_is_told_in_words(tmp_path, trained):
    class Proud(nn.Sequential):
        def load_state_dict(self, *_, **__):
            raise RuntimeError("not mine")

    with pytest.raises(NotAModel, match="RuntimeError: not mine"):
        filled(tmp_path, trained, Proud(*network()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_advice_can_be_followed(tmp_path, trained, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef build():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), "
        "nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))\n"
    )
    torch.save(network(), "whole.pt")
    torch.jit.script(network()).save("script.pt")
    torch.save(trained, "weights.pt")
    torch.save({"epoch": 3}, "nothing.ckpt")
    (tmp_path / "text.bin").write_text("some text")
    kinds = {"whole.pt": UnsafeModel, "script.pt": NotAModel, "nothing.ckpt": NotAModel}
    for name in (*kinds, "weights.pt", "text.bin"):
        with pytest.raises(XaiHeatmapError) as caught:
            load(name)
        said = str(caught.value)
        assert (f"--weights {name}" in said) == (name == "weights.pt"), said
        if name in kinds:
            assert type(caught.value) is kinds[name]
            assert "state_dict" in said
            assert "--weights new.pt" in said
    torch.save(network().state_dict(), "new.pt")
    for name in ("weights.pt", "new.pt"):
        assert load("net.py:build", weights=name).model is not None


@pytest.mark.parametrize("part", ["_orig_mod", "_fsdp_wrapped_module", "module", "_module"])
def test_names_of_wrappers_inside_are_left_out_and_said(tmp_path, trained, part):
    """As of `model.backbone = torch.compile(model.backbone)`."""
    inside = {name.replace("0.", f"0.{part}."): value for name, value in trained.items()}
    assert inside.keys() != trained.keys()
    with pytest.warns(UserWarning, match="their names without those of wrappers"):
        assert equal(filled(tmp_path, under("module.", inside)), trained)


def test_names_of_wrappers_that_would_hide_another_are_kept(tmp_path, trained):
    both = trained | under("_ema.", trained)
    with pytest.raises(NotAModel, match="another model"):
        filled(tmp_path, {"0._a.weight": torch.ones(4, 3, 3, 3), "0._b.weight": torch.ones(1)})
    with pytest.warns(UserWarning, match="without '_ema.'"):
        assert equal(filled(tmp_path, both), trained)


def test_two_models_under_two_keys_are_refused_by_their_names(tmp_path, trained):
    other = {name: value + 1 for name, value in trained.items()}
    for one, two in (("generator", "discriminator"), ("model", "net")):
        with pytest.raises(NotAModel, match=rf"under '{one}', '{two}'.*\['{one}'\]"):
            filled(tmp_path, {one: trained, two: other})
    with pytest.warns(UserWarning, match="under 'a'"):
        assert equal(filled(tmp_path, {"a": trained, "b": dict(trained)}), trained)


@pytest.mark.filterwarnings("error")
def test_counts_that_old_files_lack_are_made_anew(tmp_path, trained):
    old = {name: value for name, value in trained.items() if "num_batches" not in name}
    assert len(old) == len(trained) - 1
    found = filled(tmp_path, old)
    assert all(torch.equal(found[name], value) for name, value in old.items())
    with pytest.raises(NotAModel, match=r"1 missing, such as 1\.running_mean"):
        filled(tmp_path, {name: own for name, own in old.items() if name != "1.running_mean"})
