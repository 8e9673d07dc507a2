import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from xai_heatmap.apps.cli.app import COMMANDS
from xai_heatmap.apps.cli.citations import citations, cited, facts_of_paper, parsed, reference
from xai_heatmap.apps.cli.methods import grouped
from xai_heatmap.apps.cli.terminal import bar, elided, table
from xai_heatmap.core.metric import METRICS
from xai_heatmap.core.registry import METHODS, MODIFIERS

HEAVY = ("torch", "keras", "tensorflow", "jax", "transformers", "PIL", "numpy")


def in_a_process(*words, **options):
    code = "import sys; from xai_heatmap.apps.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, **options
    )


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from xai_heatmap.apps.cli import main; main(['--help']); "
        "main(['explain', '-h']); "
        f"print([n for n in {HEAVY} if n in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"
    assert "Usage: xai-heatmap" in ran.stdout


@pytest.mark.parametrize("words", [[], *([c] for c in COMMANDS)])
def test_help_teaches_with_examples_that_fit_the_screen(cli, words):
    said = cli(*words, "--help")
    assert said.code == 0
    assert "Examples:" in said.out
    examples = re.findall(r"^ +(xai-heatmap .*)$", said.out, re.MULTILINE)
    assert len(examples) >= 3
    flags = {flag for line in examples for flag in re.findall(r"(?<=\s)--[a-z-]+", line)}
    helps = said.out + cli("explain", "--help").out
    assert all(flag in helps for flag in flags)
    assert max(map(len, said.out.splitlines())) <= 88


def test_help_names_the_real_defaults(cli):
    from xai_heatmap.jobs.job import Explain

    said = re.sub(r"\s+", " ", cli("explain", "--help").out)
    job = Explain()
    for default in (str(job.out), *job.layer, *job.method, *job.target, str(job.max_pixels)):
        assert f"[default: {default}]" in said


def test_no_words_show_help_and_count_as_usage(cli):
    said = cli()
    assert said.code == 2
    assert "Usage:" in said.out


def test_version(cli):
    assert cli("--version").out == f"xai-heatmap {version('xai-heatmap')}\n"


def test_an_unknown_command(cli):
    said = cli("explan")
    assert said.code == 2
    assert "Did you mean 'explain'?" in said.err
    assert cli("explan", "--json").json["error"]["code"] == "XH100"


# layers -----------------------------------------------------------------------------------------


def test_layers_names_shapes_and_which_one_is_auto(cli):
    said = cli("layers", "net.py:net", "--size", "32")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "model  net.py:net, Sequential, input 3x32x32"
    assert lines[1].startswith("auto   2: the last grid larger than one place")
    assert lines[3].split() == ["index", "name", "kind", "shape", "grid"]
    assert lines[6].split() == ["2", "2", "Conv2d", "6x32x32", "32x32", "auto"]
    assert len(lines) == 7


def test_layers_all_shows_those_without_a_grid(cli):
    said = cli("layers", "net.py:net", "--all", "--json", "--size", "32")
    names = [layer["name"] for layer in said.json["layers"]]
    assert names == ["input", "0", "1", "2", "3", "4", "5"]
    assert said.json["auto"] == "2"
    assert said.json["layers"][-1]["grid"] is None


def test_layers_in_json(cli):
    said = cli("layers", "net.py:net", "--json", "--size", "16x24")
    assert said.json["layers"][2] == {
        "index": 2,
        "name": "2",
        "kind": "Conv2d",
        "shape": [6, 16, 24],
        "grid": [16, 24],
        "auto": True,
    }


def test_layers_take_the_model_from_the_file_of_settings(cli, place):
    (place / "xai-heatmap.toml").write_text('model = "net.py:net"\nsize = 32\n')
    assert cli("layers").code == 0
    (place / "xai-heatmap.toml").unlink()
    said = cli("layers")
    assert (said.code, "A model is needed" in said.err) == (2, True)


def test_layers_load_the_weights_given(cli):
    said = cli("layers", "net.py:net", "--weights", "no.pt")
    assert said.code == 3
    assert "no.pt" in said.err


@pytest.mark.slow
def test_layers_of_a_model_that_takes_another_size(cli):
    said = cli("layers", "net.py:picky")
    assert said.code == 4
    assert "--size" in said.err
    assert cli("layers", "net.py:picky", "--size", "32").code == 0


# methods ----------------------------------------------------------------------------------------


def test_methods_say_when_cost_and_paper(cli):
    said = cli("methods")
    assert said.code == 0
    head, *lines = said.out.splitlines()
    assert head.split("  ")[0] == "method"
    (line,) = [line for line in lines if line.startswith("gradcam ")]
    assert "you want the method that everybody knows" in line
    assert "1 forward + 1 backward through the head" in line
    assert line.endswith("Selvaraju et al. 2017")
    assert {line.split(" ")[0] for line in lines} >= {*METHODS, *(f"{m}:NAME" for m in MODIFIERS)}
    assert said.out.endswith("shows formula, options, remarks and paper of one.\n")


def test_every_method_stands_under_one_heading():
    found = grouped(list(METHODS.values()))
    told = [method.name for members in found.values() for method in members]
    assert sorted(told) == sorted(METHODS)
    assert "saliency" in {m.name for m in found["pixels"]}
    assert "eigencam" in {m.name for m in found["layers, one pass, no gradients"]}


def test_a_method_says_formula_options_paper_and_remarks(cli):
    said = cli("methods", "gradcam", "occlusion")
    assert said.code == 0
    assert "gradcam\n  formula   ReLU(Σ_k α_k A_k)" in said.out
    assert "options   relu=True\n" in said.out
    per_axis = "0 (at least 0, or one for each axis)"
    fill = "fill=zero (or mean, blur, a number, an array, activation_of(picture))"
    assert f"options   window={per_axis}, stride={per_axis}, {fill}, regions" in said.out
    assert "auto      the picture itself" in said.out
    assert "Grad-CAM: Visual Explanations" in said.out
    assert "remarks   Averaging forgets *where* the gradient was" in said.out
    assert ">>>" not in said.out
    assert said.out.count("use when") == 2


def test_a_method_made_of_another_says_what_it_is(cli):
    said = cli("methods", "smooth:layercam")
    assert said.code == 0
    assert "ReLU(Σ_k ReLU(∂y/∂A_k) ⊙ A_k)" in said.out
    assert "scale=False, noise=0.15 (at least 0), samples=25 (at least 1), seed=0" in said.out
    assert "SmoothGrad: removing noise by adding noise" in said.out


def test_an_unknown_method_is_told_apart(cli):
    said = cli("methods", "gradcan")
    assert said.code == 2
    assert "Did you mean 'gradcam'?" in said.err


def test_methods_in_json(cli):
    found = {entry["name"]: entry for entry in cli("methods", "--json").json}
    assert set(found) == set(METHODS)
    assert found["gradcam"]["needs"] == ["activation", "gradient"]
    assert found["gradcam"]["options"] == {"relu": True}
    assert found["gradcam"]["paper"]["year"] == 2017


def test_every_method_cites_a_paper_that_is_there():
    papers = citations()
    assert {method.cite for method in METHODS.values()} <= set(papers)
    assert all(paper.link.startswith("https://") for paper in papers.values())


# metrics ----------------------------------------------------------------------------------------


def test_metrics_say_when_which_way_cost_and_paper(cli):
    said = cli("metrics")
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("energy ")]
    cells = re.split(r" {2,}", line)
    assert cells[1].startswith("you ask how much of the map")
    assert cells[2:] == ["higher", "none", "Arras et al. 2022"]
    assert {line.split(" ")[0] for line in said.out.splitlines()} >= set(METRICS)
    assert "\nagainst the truth: which pixels belong to the object:\n" in said.out


def test_a_metric_says_formula_options_and_paper(cli):
    said = cli("metrics", "overlap")
    assert "overlap\n  formula   [strongest `share` of the places" in said.out
    assert "options   share=0.05 (at least 0, at most 1)\n" in said.out
    assert "paper     none; defined here\n" in said.out


def test_metrics_in_json(cli):
    found = {entry["name"]: entry for entry in cli("metrics", "--json").json}
    assert set(found) == set(METRICS)
    assert found["overlap"]["options"] == {"share": 0.05}
    assert found["overlap"]["paper"] is None
    assert found["best_iou"]["paper"]["year"] == 2020
    assert found["best_iou"]["needs"] == ["heat", "mask"]


def test_an_unknown_metric_is_told_apart(cli):
    said = cli("metrics", "pointin", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "XH110")


def test_every_metric_cites_a_paper_that_is_there_or_none():
    assert all(cited(m.cite) is None or cited(m.cite).year > 2000 for m in METRICS.values())
    with pytest.raises(KeyError):
        cited("nobody1999")


def test_a_whole_entry_can_be_cited():
    entry = "@misc{own, author = {Doe, Anna}, title = {T}, year = {2026}, url = {https://a.b/c}}"
    assert reference(entry) == "Doe 2026. T. https://a.b/c"
    assert facts_of_paper("") is None


def test_the_bibliography_reader():
    text = """
@article{one,
  title = {A {Study} of x = y},
  author = {Doe, Anna},
  year = {2020}, doi = {10.1/2},
}
@misc{two, author = "Doe, A. and Roe, B. and Low, C.", title = "T", year = "1999"}
"""
    one, two = parsed(text).values()
    assert (one.key, one.title, one.authors) == ("one", "A Study of x = y", "Doe")
    assert (one.year, one.link) == (2020, "https://doi.org/10.1/2")
    assert (two.authors, two.link) == ("Doe et al.", "")


# doctor -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_doctor_imports_no_framework():
    code = (
        "import sys; from xai_heatmap.apps.cli import main; main(['doctor']); "
        "print([n for n in ('torch', 'keras', 'tensorflow', 'jax') if n in sys.modules], "
        "file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_doctor_says_how_to_install_what_is_missing(cli, monkeypatch):
    from xai_heatmap.apps.cli import doctor

    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    said = cli("doctor")
    assert said.code == 0
    for command, _ in doctor.FRAMEWORKS.values():
        assert command in said.out
    assert "ONNX files, functions and the demo networks open without any of these" in said.out


def test_doctor_in_json(cli):
    said = cli("doctor", "--json").json
    assert said["packages"]["xai-heatmap"] == version("xai-heatmap")
    assert said["frameworks"]["torch"] == version("torch")
    assert said["devices"] is None


def test_doctor_lists_devices_when_asked(cli, monkeypatch):
    from xai_heatmap.apps.cli import doctor

    monkeypatch.setattr(doctor, "_installed", lambda name: "1" if name == "torch" else None)
    assert "cpu" in cli("doctor", "--devices", "--json").json["devices"]["torch"]


# the process ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_in_its_own_process(place):
    ran = in_a_process(
        "explain", "dog.png", "-m", "net.py:net", "--preprocess", "imagenet", "--json", cwd=place
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("[")
    assert ran.stderr == ""


@pytest.mark.slow
def test_an_error_in_its_own_process(place):
    ran = in_a_process("explain", "dog.png", "-m", "no.keras", cwd=place)
    assert ran.returncode == 3
    assert ran.stdout == ""
    assert ran.stderr.startswith("error XH131: ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_terminal_without_unicode(place):
    ran = in_a_process(
        "methods", "gradcam", env={"PYTHONIOENCODING": "ascii", "PATH": ""}, cwd=place
    )
    assert ran.returncode == 0, ran.stderr
    assert "ReLU(?_k" in ran.stdout


def test_a_bug_is_one_line_and_debug_shows_where(cli, monkeypatch):
    from xai_heatmap.apps.cli import methods

    def broken(_):
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(methods, "who", broken)
    said = cli("methods")
    assert said.code == 1
    assert said.err.startswith("error XH000: ZeroDivisionError: by design")
    assert "bug" in said.err
    assert "--debug" in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" in cli("methods", "--debug").err


def test_a_warning_is_one_line_on_stderr(cli, monkeypatch):
    import warnings

    from xai_heatmap.apps.cli import methods

    def warned(cite):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("look out", stacklevel=1)
        return real(cite)

    real = methods.facts_of_paper
    monkeypatch.setattr(methods, "facts_of_paper", warned)
    said = cli("methods", "gradcam", "--json")
    assert said.err == "warning: look out\n"
    assert said.json


# what is printed --------------------------------------------------------------------------------


def test_a_bar_is_as_long_as_its_share():
    assert bar(1.0, width=4) == "████"
    assert bar(0.5, width=4) == "██"
    assert bar(1 / 8, width=1) == "▏"
    assert bar(0.0, width=4) == ""
    assert bar(2.0, width=4) == "████"
    assert bar(0.5, width=0) == ""


def test_a_table_never_cuts_a_cell():
    assert table(["a", "b"], [["long name", "1"], ["x", "22"]]) == [
        "a          b",
        "long name  1",
        "x          22",
    ]


def test_what_is_too_long_ends_in_an_ellipsis():
    assert elided("goldfish", width=8) == "goldfish"
    assert elided("goldfish", width=5) == "gold…"
