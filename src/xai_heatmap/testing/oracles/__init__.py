"""Oracles: the project's formulas written a second time, slowly, in loops, to be compared with.

Arrays are those of a method: activation and gradient (k, h, w), pictures (c, H, W); maps (h, w).
"""

from xai_heatmap.testing.oracles.attention import (
    attention_relevance_by_loops,
    rollout_by_loops,
    small_vit_by_loops,
)
from xai_heatmap.testing.oracles.cams import (
    cam_by_loops,
    eigencam_by_decomposition,
    factors_by_loops,
    fem_by_loops,
    gradcam_by_loops,
    gradcam_pp_by_loops,
    hirescam_by_loops,
    kpcacam_by_decomposition,
    layercam_by_loops,
    shapleycam_by_loops,
    smooth_gradcam_pp_by_loops,
    xgradcam_by_loops,
)
from xai_heatmap.testing.oracles.contributions import (
    fullgrad_by_loops,
    liftcam_by_loops,
    rescaled_by_loops,
)
from xai_heatmap.testing.oracles.gradients import (
    baseline_by_loops,
    gradient_by_loops,
    gradients_by_loops,
    guided_by_loops,
    integrated_by_loops,
    saliency_by_loops,
)
from xai_heatmap.testing.oracles.hiding import (
    ablationcam_by_loops,
    groupcam_by_loops,
    hsic_by_matrices,
    losses_by_loops,
    masked_by_loops,
    occlusion_by_loops,
    reciprocam_by_loops,
    rise_by_loops,
    scorecam_by_loops,
    sobol_by_loops,
    spread_by_loops,
)
from xai_heatmap.testing.oracles.pictures import (
    document_heatmap,
    drawn_out_by_loops,
    heat_by_loops,
    overlay_by_loops,
)
from xai_heatmap.testing.oracles.pyramids import (
    layercam_fused_by_loops,
    layercam_product_by_loops,
    refinecam_by_loops,
)
from xai_heatmap.testing.oracles.segments import (
    edges_by_loops,
    segments_by_loops,
    smoothed_by_loops,
    xrai_by_loops,
)
from xai_heatmap.testing.oracles.signals import (
    convolved_by_loops,
    sent_back_by_loops,
    small_signal_by_loops,
)

__all__ = [
    "ablationcam_by_loops",
    "attention_relevance_by_loops",
    "baseline_by_loops",
    "cam_by_loops",
    "convolved_by_loops",
    "document_heatmap",
    "drawn_out_by_loops",
    "edges_by_loops",
    "eigencam_by_decomposition",
    "factors_by_loops",
    "fem_by_loops",
    "fullgrad_by_loops",
    "gradcam_by_loops",
    "gradcam_pp_by_loops",
    "gradient_by_loops",
    "gradients_by_loops",
    "groupcam_by_loops",
    "guided_by_loops",
    "heat_by_loops",
    "hirescam_by_loops",
    "hsic_by_matrices",
    "integrated_by_loops",
    "kpcacam_by_decomposition",
    "layercam_by_loops",
    "layercam_fused_by_loops",
    "layercam_product_by_loops",
    "liftcam_by_loops",
    "losses_by_loops",
    "masked_by_loops",
    "occlusion_by_loops",
    "overlay_by_loops",
    "reciprocam_by_loops",
    "refinecam_by_loops",
    "rescaled_by_loops",
    "rise_by_loops",
    "rollout_by_loops",
    "saliency_by_loops",
    "scorecam_by_loops",
    "segments_by_loops",
    "sent_back_by_loops",
    "shapleycam_by_loops",
    "small_signal_by_loops",
    "small_vit_by_loops",
    "smooth_gradcam_pp_by_loops",
    "smoothed_by_loops",
    "sobol_by_loops",
    "spread_by_loops",
    "xgradcam_by_loops",
    "xrai_by_loops",
]
