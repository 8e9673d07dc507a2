"""Conformance checks, oracles and small networks, for anybody's method, metric or backend.

==================  =============================================================================
``conformance``     `CHECKS` that every backend has to pass, given a `Kit` of small models; its
                    modules ``batches``, ``company``, ``seen``, ``rounding``, ``unchanged``,
                    ``held``, ``layouts``, ``displaced``, ``input_axes``, ``codes``,
                    ``rewriting`` and ``files`` hold more of them, ``segmentation``, ``signals``,
                    ``boxes``, ``attention`` and ``rules`` those of one subject
``kits``            the kits of PyTorch, Keras and ONNX; ``kits.subjects`` brings the subjects
``oracles``         formulas of methods a second time: slowly, in loops, in double precision
``networks``        small networks whose right answer is known: planted signals, colours to be
                    segmented, boxes, transformers, twins of one set of weights
``short_options``   options that keep slow methods short
==================  =============================================================================

A backend of your own brings a kit, one small model for each trap, and runs every check::

    import pytest
    from xai_heatmap.testing import conformance

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
    def test_conforms(check):
        check(MyKit())

A check that can't be put to a kind of model calls ``pytest.skip`` in the kit, with the reason. A
method of your own is compared with its formula written again, as those of `oracles` are::

    from xai_heatmap.testing import oracles

    def test_my_gradcam_is_gradcam():
        a, g = numpy.random.default_rng(0).normal(size=(2, 5, 4, 3))
        numpy.testing.assert_allclose(my_gradcam(a, g), oracles.gradcam_by_loops(a, g), atol=1e-5)

It takes pytest (``pip install pytest``); kits and networks take their framework.
"""

import sys

if "pytest" in sys.modules:
    import pytest

    pytest.register_assert_rewrite(f"{__name__}.conformance")
