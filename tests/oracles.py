"""What the project computes, written a second time: slowly, in loops, to be compared with."""

import math

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
    by."""
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
        levels = np.uint8(heatmap * 255)
    heatmap = cv2.applyColorMap(levels, cv2.COLORMAP_JET)
    hif = 0.8
    superimposed_image = heatmap * hif + img
    superimposed_image /= np.max(superimposed_image)
    superimposed_image *= 255.0
    return superimposed_image, levels


def gradcam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Selvaraju et al. 2017, equations 1 and 2, one place at a time, in double precision."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for m in range(k):
                alpha = 0.0
                for a in range(rows):
                    for b in range(columns):
                        alpha += float(gradient[m, a, b])
                total += alpha / (rows * columns) * float(activation[m, i, j])
            found[i, j] = max(total, 0.0)
    return found


def hirescam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Draelos and Carin 2020, the sum before its ReLU."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(k):
                found[i, j] += float(gradient[m, i, j]) * float(activation[m, i, j])
    return found


def layercam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Jiang et al. 2021: every place weighted by its own positive gradient."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for m in range(k):
                total += max(float(gradient[m, i, j]), 0.0) * float(activation[m, i, j])
            found[i, j] = max(total, 0.0)
    return found


def eigencam_by_decomposition(activation: np.ndarray) -> np.ndarray:
    """Muhammad and Yeasin 2020 by a whole singular value decomposition; its sign is left open."""
    rows = activation.reshape(len(activation), -1).astype(np.float64)
    u, _, _ = np.linalg.svd(rows, full_matrices=False)
    return (rows.T @ u[:, 0]).reshape(activation.shape[1:])


def gradcam_pp_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Chattopadhay et al. 2018, equations 5 and 19 as printed; ΣA no less than 0."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        total = max(math.fsum(float(a) for a in activation[m].ravel()), 0.0)
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                g = float(gradient[m, i, j])
                if g > 0:
                    weight += g**2 / (2 * g**2 + total * g**3) * g
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def xgradcam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Fu et al. 2020, equation 7; feature maps whose places cancel out are left out."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        values = [float(a) for a in activation[m].ravel()]
        total = math.fsum(values)
        if abs(total) <= 1e-3 * math.fsum(map(abs, values)):
            continue
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                weight += float(activation[m, i, j]) / total * float(gradient[m, i, j])
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def fem_by_loops(activation: np.ndarray, sigmas: float) -> np.ndarray:
    """Fuad et al. 2020: where a feature map exceeds its mean by some deviations, its mean."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        values = [float(a) for a in activation[m].ravel()]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((a - mean) ** 2 for a in values) / len(values))
        for i in range(rows):
            for j in range(columns):
                if deviation > 0 and float(activation[m, i, j]) >= mean + sigmas * deviation:
                    found[i, j] += mean
    return found


def kpcacam_by_decomposition(activation: np.ndarray, gamma: float) -> np.ndarray:
    """Kernel PCA as textbooks write it: kernel by loops, centred by matrices; sign left open."""
    places = activation.reshape(len(activation), -1).T.astype(np.float64)
    n = len(places)
    squared = np.array([[((a - b) ** 2).sum() for a in places] for b in places])
    kernel = np.exp(-gamma * squared / squared.mean())
    centring = np.eye(n) - np.ones((n, n)) / n
    values, vectors = np.linalg.eigh(centring @ kernel @ centring)
    return (np.sqrt(values[-1]) * vectors[:, -1]).reshape(activation.shape[1:])


def cam_by_loops(activation: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zhou et al. 2016, equation 2: the classifier's own weights over the grid."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(k):
                found[i, j] += float(weights[m]) * float(activation[m, i, j])
    return found


def saliency_by_loops(_: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Simonyan et al. 2013, section 3.1: the largest magnitude over the colour channels."""
    k, rows, columns = gradient.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            found[i, j] = max(abs(float(gradient[m, i, j])) for m in range(k))
    return found


def ablationcam_by_loops(activation: np.ndarray, score, fill: str) -> np.ndarray:
    """Desai and Ramaswamy 2020: one feature map at a time is taken away; divided by |y|."""
    k, rows, columns = activation.shape
    whole = score(activation)
    found = np.zeros((rows, columns))
    for m in range(k):
        changed = activation.astype(np.float64)
        changed[m] = 0 if fill == "zero" else changed[m].mean()
        weight = (whole - score(changed)) / abs(whole)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def reciprocam_by_loops(activation: np.ndarray, score, *, gaussian: bool) -> np.ndarray:
    """Byun and Lee 2022: the score of every place alone, less that of none."""
    k, rows, columns = activation.shape
    weights = [[1, 2, 1], [2, 4, 2], [1, 2, 1]] if gaussian else [[0, 0, 0], [0, 16, 0], [0, 0, 0]]
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            kept = np.zeros(activation.shape)
            for down in (-1, 0, 1):
                for along in (-1, 0, 1):
                    a, b = i + down, j + along
                    if 0 <= a < rows and 0 <= b < columns:
                        for m in range(k):
                            share = weights[down + 1][along + 1] / 16
                            kept[m, a, b] = share * float(activation[m, a, b])
            found[i, j] = score(kept) - score(np.zeros(activation.shape))
    return found


def baseline_by_loops(activation: np.ndarray, kind: str) -> np.ndarray:
    """Nothing, the mean of every feature map, or a Gaussian of a twentieth of each axis, at least
    one place."""
    if kind == "zero":
        return np.zeros(activation.shape)
    k, rows, columns = activation.shape
    found = np.zeros(activation.shape)
    for m in range(k):
        for i in range(rows):
            for j in range(columns):
                if kind == "mean":
                    found[m, i, j] = activation[m].astype(np.float64).mean()
                    continue
                total = share = 0.0
                high, wide = max(rows / 20, 1), max(columns / 20, 1)
                reach_i, reach_j = math.ceil(3 * high), math.ceil(3 * wide)
                for down in range(-reach_i, reach_i + 1):
                    for along in range(-reach_j, reach_j + 1):
                        weight = math.exp(-0.5 * ((down / high) ** 2 + (along / wide) ** 2))
                        a = min(max(i + down, 0), rows - 1)
                        b = min(max(j + along, 0), columns - 1)
                        total += weight * float(activation[m, a, b])
                        share += weight
                found[m, i, j] = total / share
    return found


def integrated_by_loops(activation: np.ndarray, slope, start: np.ndarray, steps: int) -> np.ndarray:
    """Sundararajan et al. 2017, equation 3 by the midpoint rule, summed over feature maps."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for step in range(steps):
        share = (step + 0.5) / steps
        gradient = slope(start + share * (activation.astype(np.float64) - start))
        for m in range(k):
            for i in range(rows):
                for j in range(columns):
                    way = float(activation[m, i, j]) - start[m, i, j]
                    found[i, j] += way * gradient[m, i, j] / steps
    return found


def occlusion_by_loops(
    picture: np.ndarray, score, cover: np.ndarray, *, window: int, stride: int
) -> np.ndarray:
    """Zeiler and Fergus 2014: for every place, the mean loss of the windows over it."""
    _, rows, columns = picture.shape
    losses = [[[] for _ in range(columns)] for _ in range(rows)]

    def starts(length):
        last, here = max(length - window, 0), 0
        while here < last:
            yield here
            here += stride
        yield last

    for top in starts(rows):
        for left in starts(columns):
            changed = picture.astype(np.float64)
            covered = [
                (i, j)
                for i in range(top, min(top + window, rows))
                for j in range(left, min(left + window, columns))
            ]
            for i, j in covered:
                changed[:, i, j] = cover[:, i, j]
            loss = score(picture) - score(changed)
            for i, j in covered:
                losses[i][j].append(loss)
    return np.array([[math.fsum(own) / len(own) for own in row] for row in losses])


def gradient_by_loops(_: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Baehrens et al. 2010, the explanation vector, its channels added up pixel by pixel."""
    k, rows, columns = gradient.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            found[i, j] = math.fsum(float(gradient[m, i, j]) for m in range(k))
    return found


def losses_by_loops(picture: np.ndarray, score, cover: np.ndarray, masks, channels) -> list[float]:
    """What the score loses without each region, in these channels alone, place by place."""
    _, rows, columns = picture.shape
    found = []
    for mask in masks:
        changed = picture.astype(np.float64)
        for m in channels:
            for i in range(rows):
                for j in range(columns):
                    share = float(mask[i, j])
                    own, other = float(picture[m, i, j]), float(cover[m, i, j])
                    changed[m, i, j] = (1 - share) * own + share * other
        found.append(score(picture) - score(changed))
    return found


def spread_by_loops(values, masks) -> np.ndarray:
    """Each region's value at its places, the mean by coverage where several lie over one."""
    _, rows, columns = masks.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            shares = [float(mask[i, j]) for mask in masks]
            if sum(shares):
                found[i, j] = sum(s * v for s, v in zip(shares, values, strict=True)) / sum(shares)
    return found


def rise_by_loops(masks, scores) -> np.ndarray:
    """Petsiuk et al. 2018, equation 6, with Σ M_i for N·E[M], less the mean score."""
    rows, columns = masks[0].shape
    mean = math.fsum(scores) / len(scores)
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = visible = 0.0
            for mask, score in zip(masks, scores, strict=True):
                total += score * float(mask[i, j])
                visible += float(mask[i, j])
            found[i, j] = total / visible - mean if visible else 0.0
    return found


def gradients_by_loops(gradients, *, variance: bool) -> np.ndarray:
    """Smilkov et al. 2017 and Adebayo et al. 2018: mean or variance, then max over channels."""
    c, rows, columns = gradients[0].shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            values = []
            for m in range(c):
                own = [float(g[m, i, j]) for g in gradients]
                mean = math.fsum(own) / len(own)
                spread = math.fsum((g - mean) ** 2 for g in own) / len(own)
                values.append(spread if variance else abs(mean))
            found[i, j] = max(values)
    return found


def masked_by_loops(image, activation, score, *, used, masks, factors=(1.0,)) -> np.ndarray:
    """Score-CAM's weights for any masks of each feature map: SS-CAM with noise on them, IS-CAM
    with the picture faded in by factors; no softmax."""
    found = np.zeros(activation.shape[1:])
    nothing = score(np.zeros(image.shape))
    for m in used:
        scores = []
        for mask in masks(m):
            low, high = float(mask.min()), float(mask.max())
            shown = drawn_out_by_loops((mask - low) / (high - low), *image.shape[1:])
            scores += [score(image * shown * factor) for factor in factors]
        weight = max(0.0, math.fsum(scores) / len(scores) - nothing)
        found += weight * activation[m].astype(np.float64)
    return np.maximum(found, 0)


def sobol_by_loops(one, other, score_of) -> list[float]:
    """Jansen 1999: the mean of squared differences when one block is drawn anew, over twice the
    variance of both designs."""
    before = [score_of(row) for row in one]
    all_of_them = before + [score_of(row) for row in other]
    mean = math.fsum(all_of_them) / len(all_of_them)
    variance = math.fsum((y - mean) ** 2 for y in all_of_them) / (len(all_of_them) - 1)
    found = []
    for cell in range(len(one[0])):
        total = 0.0
        for row, another, y in zip(one, other, before, strict=True):
            changed = list(row)
            changed[cell] = another[cell]
            total += (y - score_of(changed)) ** 2
        found.append(total / len(one) / (2 * variance))
    return found


def hsic_by_matrices(shown, scores) -> list[float]:
    """Novello et al. 2022, the estimator as printed, less its mean over permutations of scores."""
    n = len(scores)
    apart = [abs(a - b) for i, a in enumerate(scores) for b in scores[:i]]
    width = float(np.median(apart))
    kernel = np.array([[math.exp(-(((a - b) / width) ** 2) / 2) for a in scores] for b in scores])
    centring = np.eye(n) - np.ones((n, n)) / n
    found = []
    for cell in range(len(shown[0])):
        own = [float(row[cell]) for row in shown]
        alike = np.array([[0.5 - (a - b) ** 2 for a in own] for b in own])
        centred = centring @ alike @ centring
        chance = np.trace(centred) * np.trace(centring @ kernel @ centring) / (n - 1)
        trace = np.trace(alike @ centring @ kernel @ centring)
        found.append((trace - chance) / (n - 1) ** 2)
    return found


def guided_by_loops(activation, slope, start, *, steps, anchors, share) -> np.ndarray:
    """Kapishnikov et al. 2021, algorithm 1, between anchors on the straight way; trapezoids."""
    shape = activation.shape
    first, last = np.float64(start).ravel(), np.float64(activation).ravel()
    x, total = first.copy(), np.zeros(first.size)
    many = max(round(share * first.size), 1)
    edges = [len(part) for part in np.array_split(np.arange(steps), min(anchors, steps))]
    done = 0
    for length in edges:
        done += length
        goal = first + done / steps * (last - first)
        whole = sum(abs(g - v) for g, v in zip(goal, x, strict=True))
        for step in range(1, length + 1):
            gradient, old = slope(x.reshape(shape)).ravel(), x.copy()
            wanted = whole * (1 - step / length)
            while True:
                left = sum(abs(g - v) for g, v in zip(goal, x, strict=True))
                if left <= wanted + 1e-12 * whole:
                    break
                away = [i for i in range(x.size) if abs(x[i] - goal[i]) > 1e-13]
                chosen = sorted(away, key=lambda i: abs(gradient[i]))[:many]
                theirs = sum(abs(goal[i] - x[i]) for i in chosen)
                part = min((left - wanted) / theirs, 1.0) if theirs else 0.0
                for i in chosen:
                    x[i] += part * (goal[i] - x[i])
                if part < 1:
                    break
            if step == length:
                x = goal.copy()
            after = slope(x.reshape(shape)).ravel()
            total += (gradient + after) / 2 * (x - old)
    return total.reshape(shape).sum(axis=0)


def smoothed_by_loops(picture: np.ndarray) -> np.ndarray:
    """Under 1/4, 1/2, 1/4 along both axes; beyond its edges it goes on as it ends."""
    _, rows, columns = picture.shape
    found = np.zeros(picture.shape)
    for i in range(rows):
        for j in range(columns):
            for down, high in ((-1, 0.25), (0, 0.5), (1, 0.25)):
                for along, wide in ((-1, 0.25), (0, 0.5), (1, 0.25)):
                    a = min(max(i + down, 0), rows - 1)
                    b = min(max(j + along, 0), columns - 1)
                    found[:, i, j] += high * wide * picture[:, a, b]
    return found


def edges_by_loops(colours: np.ndarray) -> list[tuple[float, int, int]]:
    """Neighbours below and beside every place, the most alike first."""
    _, rows, columns = colours.shape
    edges = []
    for i in range(rows):
        for j in range(columns):
            for a, b in ((i + 1, j), (i, j + 1)):
                if a < rows and b < columns:
                    far = math.sqrt(((colours[:, i, j] - colours[:, a, b]) ** 2).sum())
                    edges.append((far, i * columns + j, a * columns + b))
    return sorted(edges)


def segments_by_loops(picture, scale, fewest) -> list[set[int]]:
    """Felzenszwalb and Huttenlocher 2004, algorithm 1, with sets; then small regions are joined."""
    k, rows, columns = picture.shape
    ranged = picture.astype(np.float64) * 2 / float(np.ptp(picture)) * math.sqrt(3 / k)
    edges = edges_by_loops(smoothed_by_loops(ranged))
    regions = [({place}, 0.0) for place in range(rows * columns)]
    for small in (False, True):
        for far, one, other in edges:
            a = next(own for own in regions if one in own[0])
            b = next(own for own in regions if other in own[0])
            alike = all(far <= inner + scale / len(own) for own, inner in (a, b))
            tiny = min(len(a[0]), len(b[0])) < fewest
            if a is not b and (tiny if small else alike):
                regions = [own for own in regions if own is not a and own is not b]
                regions.append((a[0] | b[0], max(far, a[1], b[1])))
    return [own for own, _ in regions]


def xrai_by_loops(added, segmentations, around, fewest) -> np.ndarray:
    """Kapishnikov et al. 2019, algorithm 1; slivers of less than `fewest` places share a mean."""
    rows, columns = added.shape
    regions = []
    for segmentation in segmentations:
        for region in segmentation:
            wide = set()
            for place in region:
                i, j = divmod(place, columns)
                for a in range(max(i - around, 0), min(i + around, rows - 1) + 1):
                    for b in range(max(j - around, 0), min(j + around, columns - 1) + 1):
                        wide.add(a * columns + b)
            regions.append(wide)
    found, free = np.zeros(rows * columns), set(range(rows * columns))
    values = added.astype(np.float64).ravel()
    while free:
        gains = [
            math.fsum(values[p] for p in region & free) / len(region & free)
            if len(region & free) >= fewest
            else -math.inf
            for region in regions
        ]
        if max(gains) == -math.inf:
            for place in free:
                found[place] = math.fsum(values[p] for p in free) / len(free)
            break
        best = max(range(len(gains)), key=lambda place: gains[place])
        for place in regions[best] & free:
            found[place] = gains[best]
        free -= regions[best]
    return found.reshape(rows, columns)


def factors_by_loops(rows, kinds, places, rounds):
    """Cichocki and Phan 2009, algorithm 2 (HALS), entry by entry."""
    kinds, places = kinds.copy(), places.copy()
    (k, many), parts = rows.shape, places.shape[0]
    for _ in range(rounds):
        for p in range(parts):
            length = math.fsum(kinds[m, p] ** 2 for m in range(k))
            for j in range(many if length else 0):
                missing = [rows[m, j] - kinds[m] @ places[:, j] for m in range(k)]
                step = math.fsum(kinds[m, p] * missing[m] for m in range(k)) / length
                places[p, j] = max(places[p, j] + step, 0.0)
        for p in range(parts):
            length = math.fsum(places[p, j] ** 2 for j in range(many))
            for m in range(k if length else 0):
                missing = [rows[m, j] - kinds[m] @ places[:, j] for j in range(many)]
                step = math.fsum(places[p, j] * missing[j] for j in range(many)) / length
                kinds[m, p] = max(kinds[m, p] + step, 0.0)
    return kinds, places


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


def scorecam_by_loops(
    image: np.ndarray, activation: np.ndarray, score, *, top: int, softmax=False, negative=False
) -> np.ndarray:
    """Wang et al. 2020, definition 3 (the increase, where it is one), algorithm 1 (its softmax)."""
    k, rows, columns = activation.shape
    spread = [float(np.std(activation[m].astype(np.float64))) for m in range(k)]
    used = sorted((m for m in range(k) if np.ptp(activation[m]) > 0), key=lambda m: -spread[m])
    used = used[:top] if top else used
    increases = []
    for m in used:
        low, high = float(activation[m].min()), float(activation[m].max())
        shown = drawn_out_by_loops((activation[m] - low) / (high - low), *image.shape[1:])
        increases.append(score(image * shown) - score(np.zeros(image.shape)))
    if softmax and increases:
        most = max(increases)
        powers = [math.exp(own - most) for own in increases]
        increases = [own / math.fsum(powers) for own in powers]
    elif not negative:
        increases = [own if own > 0 else 0.0 for own in increases]
    found = np.zeros((rows, columns))
    for m, weight in zip(used, increases, strict=True):
        found += weight * activation[m].astype(np.float64)
    return np.maximum(found, 0)


def groupcam_by_loops(evidence, score, *, groups: int, hidden: float) -> np.ndarray:
    """Zhang et al. 2021, equations 2 to 7, on the grid of the layer."""
    image, activation = (a.astype(np.float64) for a in (evidence.image, evidence.activation))
    k, rows, columns = activation.shape
    nothing = baseline_by_loops(evidence.image, "blur")
    found = np.zeros((rows, columns))
    groups = min(groups, k)
    sizes = [k // groups + (g < k % groups) for g in range(groups)]
    first = 0
    for size in sizes:
        total = np.zeros((rows, columns))
        for m in range(first, first + size):
            total += float(evidence.gradient[m].astype(np.float64).mean()) * activation[m]
        first += size
        total = np.maximum(total, 0)
        limit = np.percentile(total, 100 * hidden)
        total[total <= limit] = 0
        if total.max() == total.min():
            continue
        mask = (total - total.min()) / (total.max() - total.min())
        shown = drawn_out_by_loops(mask, *image.shape[1:])
        found += (score(image * shown + nothing * (1 - shown)) - score(nothing)) * mask
    return np.maximum(found, 0)


def shapleycam_by_loops(activation: np.ndarray, gradient: np.ndarray, hessian) -> np.ndarray:
    """Cai 2025: weights are means of the gradient less half of the whole Hessian times A."""
    k, rows, columns = activation.shape
    values = activation.astype(np.float64).ravel()
    found = np.zeros((rows, columns))
    for m in range(k):
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                place = (m * rows + i) * columns + j
                bent = math.fsum(
                    hessian[place, other] * values[other] for other in range(len(values))
                )
                weight += (float(gradient[m, i, j]) - bent / 2) / (rows * columns)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def smooth_gradcam_pp_by_loops(activation: np.ndarray, gradients) -> np.ndarray:
    """Omeiza et al. 2019, equations 4 and 8, with D₂ in the numerator; ΣA no less than 0."""
    k, rows, columns = activation.shape
    n, found = len(gradients), np.zeros((rows, columns))
    for m in range(k):
        total = max(math.fsum(float(a) for a in activation[m].ravel()), 0.0)
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                own = [float(g[m, i, j]) for g in gradients]
                first, second, third = (math.fsum(g**p for g in own) / n for p in (1, 2, 3))
                if second > 0 and 2 * second + total * third > 0:
                    weight += second / (2 * second + total * third) * max(first, 0.0)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def layercam_fused_by_loops(pyramid, gamma: float) -> np.ndarray:
    """Jiang et al. 2021, equations 5 and 6: early maps through tanh, then the maximum of all."""
    rows, columns = pyramid[0].activation.shape[1:]
    found = np.zeros((rows, columns))
    for place, level in enumerate(pyramid):
        map_ = layercam_by_loops(level.activation, level.gradient)
        if map_.max() <= 0:
            continue
        map_ = map_ / map_.max()
        if place + 1 < len(pyramid):
            map_ = np.array([[math.tanh(gamma * float(v)) for v in row] for row in map_])
        drawn = drawn_out_by_loops(map_, rows, columns)
        for i in range(rows):
            for j in range(columns):
                found[i, j] = max(found[i, j], drawn[i, j])
    return found


def refinecam_by_loops(pyramid, floor: float) -> np.ndarray:
    """Domeniconi et al. 2026: min-max maps multiplied; their n-th root, with a floor."""
    rows, columns = pyramid[0].activation.shape[1:]
    drawn = []
    for level in pyramid:
        map_ = layercam_by_loops(level.activation, level.gradient)
        if map_.max() > map_.min():
            scaled = (map_ - map_.min()) / (map_.max() - map_.min())
            drawn.append(drawn_out_by_loops(scaled, rows, columns))
    found = np.zeros((rows, columns))
    for i in range(rows if drawn else 0):
        for j in range(columns):
            product = math.prod(floor + (1 - floor) * float(own[i, j]) for own in drawn)
            found[i, j] = (product ** (1 / len(drawn)) - floor) / (1 - floor)
    return found


def fullgrad_by_loops(image, gradient, biases, *, signed: bool) -> np.ndarray:
    """Srinivas and Fleuret 2019, equation 7 without its scaling; `biases` are b ⊙ ∂y/∂v.

    Signed, a place's part is shared among the pixels in proportion to how much of it they show.
    """
    c, rows, columns = image.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(c):
                own = float(image[m, i, j]) * float(gradient[m, i, j])
                found[i, j] += own if signed else abs(own)
    for bias in biases:
        k, high, wide = bias.shape
        for m in range(k):
            for a in range(high):
                for b in range(wide):
                    alone = np.zeros((high, wide))
                    alone[a, b] = 1
                    shown = drawn_out_by_loops(alone, rows, columns)
                    own = float(bias[m, a, b])
                    found += shown / shown.sum() * own if signed else shown * abs(own)
    return found


def _run_by_loops(net: dict, given: np.ndarray) -> tuple:
    """What every neuron of the network of `rescaled_by_loops` says, and who won each maximum."""
    k, rows, columns = given.shape
    u = np.zeros((len(net["kernel"]), rows - 2, columns - 2))
    for m, i, j in np.ndindex(*u.shape):
        u[m, i, j] = net["bias"][m]
        for c, a, b in np.ndindex(k, 3, 3):
            u[m, i, j] += net["kernel"][m, c, a, b] * given[c, i + a, j + b]
    v = np.where(u > 0, u, 0.2 * u)
    pooled = np.zeros((len(u), (rows - 2) // 2, (columns - 2) // 2))
    winner = {}
    for m, i, j in np.ndindex(*pooled.shape):
        window = [(m, 2 * i + a, 2 * j + b) for a in range(2) for b in range(2)]
        winner[m, i, j] = max(window, key=lambda place: v[place])
        pooled[m, i, j] = v[winner[m, i, j]]
    t = np.tanh(pooled)
    gate = [1 / (1 + math.exp(-own.mean())) for own in t]
    y = sum(net["last"][m, i, j] * t[m, i, j] * gate[m] for m, i, j in np.ndindex(*t.shape))
    return u, v, pooled, winner, t, gate, y


def rescaled_by_loops(net: dict, activation: np.ndarray) -> tuple[np.ndarray, float, float]:
    """DeepLIFT's contributions of every entry by the Rescale rule, from 0, one neuron at a time.

    The network: conv 3x3, leaky ReLU, max pooling 2x2, tanh of it, times a gate, linear; in double
    precision. Answers contributions, and the score at 0 and at the activation.
    """
    runs = [
        _run_by_loops(net, given)
        for given in (np.zeros(activation.shape), activation.astype(np.float64))
    ]
    (u0, v0, pooled0, winner0, t0, gate0, before), (u, v, pooled, winner, t, gate, after) = runs
    cells = t[0].size
    to_gate = [
        sum(
            net["last"][m, i, j] * (t[m, i, j] + t0[m, i, j]) / 2
            for i, j in np.ndindex(*t[m].shape)
        )
        for m in range(len(t))
    ]
    to_v = np.zeros(v.shape)
    for m, i, j in np.ndindex(*t.shape):
        own = net["last"][m, i, j] * (gate[m] + gate0[m]) / 2
        apart = t[m].mean() - t0[m].mean()
        own += to_gate[m] * (gate[m] - gate0[m]) / apart / cells
        rise = pooled[m, i, j] - pooled0[m, i, j]
        own *= (t[m, i, j] - t0[m, i, j]) / rise
        place = winner[m, i, j] if rise > 0 else winner0[m, i, j]
        to_v[place] += own * rise / (v[place] - v0[place])
    found = np.zeros(activation.shape)
    for m, i, j in np.ndindex(*u.shape):
        slope = (v[m, i, j] - v0[m, i, j]) / (u[m, i, j] - u0[m, i, j])
        for c, a, b in np.ndindex(len(activation), 3, 3):
            found[c, i + a, j + b] += to_v[m, i, j] * slope * net["kernel"][m, c, a, b]
    return found * activation, before, after


def liftcam_by_loops(activation: np.ndarray, contributions: np.ndarray) -> np.ndarray:
    """Jung and Oh 2021: ReLU of the feature maps, each weighted by what it contributed in all."""
    k, rows, columns = activation.shape
    weights = [sum(float(c) for c in contributions[m].ravel()) for m in range(k)]
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = sum(weights[m] * float(activation[m, i, j]) for m in range(k))
            found[i, j] = max(total, 0.0)
    return found


def rollout_by_loops(weights, read, places: int) -> np.ndarray:
    """Abnar and Zuidema: Ã(block) = A̅ Ã(block before), A̅ = ½ (mean over heads + 1)."""
    tokens = len(read)
    flow = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
    for block in weights:
        heads = len(block)
        mixed = [
            [
                0.5 * sum(float(block[h][i][j]) for h in range(heads)) / heads + 0.5 * (i == j)
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
        flow = [
            [sum(mixed[i][m] * flow[m][j] for m in range(tokens)) for j in range(tokens)]
            for i in range(tokens)
        ]
    return _rows_read(flow, read, places)


def attention_relevance_by_loops(weights, gradients, read, places: int) -> np.ndarray:
    """Chefer et al., equations 5 and 6: R = R + E_h[(∇A ⊙ A)⁺] R from R = 1, which is taken off."""
    tokens = len(read)
    relevance = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
    for block, slope in zip(weights, gradients, strict=True):
        heads = len(block)
        own = [
            [
                sum(max(float(slope[h][i][j] * block[h][i][j]), 0.0) for h in range(heads)) / heads
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
        relevance = [
            [
                relevance[i][j] + sum(own[i][m] * relevance[m][j] for m in range(tokens))
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
    for i in range(tokens):
        relevance[i][i] -= 1
    return _rows_read(relevance, read, places)


def _rows_read(matrix, read, places: int) -> np.ndarray:
    """The last columns of a matrix, in the mean of the rows that are read."""
    rows = [row for row, share in zip(matrix, read, strict=True) if share > 0]
    first = len(read) - places
    return np.array(
        [sum(row[column] for row in rows) / len(rows) for column in range(first, len(read))]
    )


def small_vit_by_loops(weights: dict, x, *, heads: int, patch: int, pool: str, frozen=None):
    """A small transformer in plain numbers: scores, attention and what is a constant for LibraGrad.

    `frozen` holds what a pass before has used for attention, deviations and gates; with it, the
    answer is an affine function of the picture.
    """
    used = {}

    def constant(name, value):
        used[name] = value if frozen is None or name not in frozen else frozen[name]
        return used[name]

    def norm(name, rows):
        centred = rows - rows.mean(-1, keepdims=True)
        deviation = constant(f"{name} σ", np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6))
        return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(name, rows):
        return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    _, height, width = x.shape
    rows = []
    for i in range(0, height, patch):
        for j in range(0, width, patch):
            kernel, window = weights["patches.weight"], x[None, :, i : i + patch, j : j + patch]
            rows.append((kernel * window).sum(axis=(1, 2, 3)) + weights["patches.bias"])
    x = np.array([weights["token"][0, 0], *rows]) + weights["position"][0]
    for number in range(2):
        name = f"blocks.{number}"
        mixed = linear(f"{name}.qkv", norm(f"{name}.norm1", x))
        query, key, value = (
            part.reshape(len(x), heads, -1).transpose(1, 0, 2) for part in np.split(mixed, 3, 1)
        )
        scores = query @ key.transpose(0, 2, 1) / query.shape[-1] ** 0.5
        likely = np.exp(scores - scores.max(-1, keepdims=True))
        attention = constant(f"{name} A", likely / likely.sum(-1, keepdims=True))
        mixed = (attention @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = x + linear(f"{name}.out", mixed)
        wide = linear(f"{name}.wide", norm(f"{name}.norm2", x))
        below = np.array([0.5 * (1 + math.erf(u / math.sqrt(2))) for u in wide.ravel()])
        gate = constant(f"{name} gate", below.reshape(wide.shape))
        x = x + linear(f"{name}.narrow", wide * gate)
    x = norm("norm", x)
    return linear("head", x[0] if pool == "token" else x[1:].mean(0)), used
