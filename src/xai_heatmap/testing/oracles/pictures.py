"""Heats and overlays, pixel by pixel, and the document that the old API comes from."""

import math
from typing import Any

import numpy as np


def heat_by_loops(map_, geometry):
    """``render.heat.heat``, pixel by pixel in plain Python numbers."""
    rows, columns = geometry.image_size
    left, top, right, bottom = geometry.box
    cells_down, cells_along = map_.shape
    answer = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            y, x = row + 0.5, column + 0.5
            if not (top <= y < bottom and left <= x < right):
                continue
            v = (y - top) / (bottom - top) * cells_down - 0.5
            u = (x - left) / (right - left) * cells_along - 0.5
            total = 0.0
            for i in (math.floor(v), math.floor(v) + 1):
                for j in (math.floor(u), math.floor(u) + 1):
                    share = (1 - abs(v - i)) * (1 - abs(u - j))
                    inner_i = min(max(i, 0), cells_down - 1)
                    inner_j = min(max(j, 0), cells_along - 1)
                    total += share * float(map_[inner_i, inner_j])
            answer[row, column] = total
    return answer


def overlay_by_loops(image, heat, table, strength, *, alpha):
    """``render.overlay.overlay`` for levels from 0 to 1, pixel by pixel."""
    answer = np.zeros(image.shape, np.float64)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            level = int(min(max(float(heat[row, column]), 0.0), 1.0) * 255 + 0.5)
            opacity = alpha * strength[level]
            for channel in range(3):
                under, over = int(image[row, column, channel]), int(table[level, channel])
                answer[row, column, channel] = (1 - opacity) * under + opacity * over
    return answer


def document_heatmap(cv2img, img_tensor, model, layer_name):
    """The seed document's ``camXAITool`` line by line, with TensorFlow and OpenCV; a GradientTape
    stands for ``K.gradients`` and ``K.function``. Gives the picture and the levels it was coloured
    by.
    """
    import cv2
    import keras
    import tensorflow as tf

    preds = model.predict(img_tensor, verbose=0)
    argmax = np.argmax(preds[0])
    iterate = keras.Model(model.input, [model.output, model.get_layer(layer_name).output])
    with tf.GradientTape() as tape:
        output, conv_layer = iterate(img_tensor, training=False)
        output = output[:, argmax]
    grads = tape.gradient(output, conv_layer)
    pooled_grads_value = tf.reduce_mean(grads, axis=(0, 1, 2)).numpy()
    conv_layer_output_layer = conv_layer.numpy()
    for i in range(len(pooled_grads_value)):
        conv_layer_output_layer[0, :, :, i] *= pooled_grads_value[i]
    heatmap = np.mean(conv_layer_output_layer, axis=-1)[0]
    heatmap = np.maximum(heatmap, 0)
    with np.errstate(invalid="ignore"):
        heatmap /= np.max(heatmap)
        img = cv2img
        heatmap = cv2.resize(heatmap, (img.shape[1], img.shape[0]))
        levels: Any = np.uint8(heatmap * 255)
    heatmap = cv2.applyColorMap(levels, cv2.COLORMAP_JET)
    hif = 0.8
    superimposed_image = heatmap * hif + img
    superimposed_image /= np.max(superimposed_image)
    superimposed_image *= 255.0
    return superimposed_image, levels


def drawn_out_by_loops(map_: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Linear between the centres of cells, one pixel at a time."""
    high, wide = map_.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            v = min(max((i + 0.5) / rows * high - 0.5, 0), high - 1)
            u = min(max((j + 0.5) / columns * wide - 0.5, 0), wide - 1)
            for a in range(high):
                for b in range(wide):
                    share = max(1 - abs(v - a), 0) * max(1 - abs(u - b), 0)
                    found[i, j] += share * float(map_[a, b])
    return found
