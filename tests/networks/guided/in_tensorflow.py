"""In TensorFlow: a sweep back in which a ReLU's own derivative is handed only what is positive."""

import tensorflow as tf

from guided import GUIDED
from xai_heatmap.networks.keras.on_tensorflow.canonical import OPERATORS
from xai_heatmap.networks.keras.on_tensorflow.sweep import pulled, swept
from xai_heatmap.networks.rules import TENSORFLOW, implements, treated

TREATED = treated(OPERATORS, GUIDED)


@implements(GUIDED, TENSORFLOW)
def guiding(scores, taps, seed):
    def sent(operation, arriving, wanted):
        if TREATED.get(operation.type) == "positive":
            arriving = [own if own is None else tf.nn.relu(own) for own in arriving]
        return pulled(operation, arriving, wanted)

    return swept(scores, taps, seed, constant=lambda *_: False, rule=sent)
