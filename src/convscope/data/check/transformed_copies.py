"""Find images that are mirrored, cropped, stretched or resized copies of others.

Every image, and its mirror image, is compared with parts of all others at 8 x 8 pixels. The most similar parts are then
fitted: their edges are moved until the part looks like the image as much as it can (Lucas and Kanade 1981, inverse
compositional: Baker and Matthews 2004). A copy then correlates nearly perfectly, another picture of the same does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

# Sides in pixels: of the pictures that are kept, of those that are compared, of those that are fitted.
KEPT, COARSE, FITTED = 64, 8, 32
# Parts of an image that are compared: these shares of its sides, at three places along each.
SHARES, PLACES = (0.9, 0.8, 0.7), (0.0, 0.5, 1.0)
# Similar parts that are fitted per image, and how similar they must be (correlation).
MOST, LEAST, STEPS = 5, 0.8, 8
# A resized copy has lost its finest details, so photos are judged at 16 pixels, and a copy correlates so. Different
# digits do that, too: they are judged at all 32, and must correlate more.
JUDGED, COPY, FINE_COPY = 16, 0.985, 0.99
# The smallest share of a side that a part has.
SMALLEST = 0.5
BLOCK = 512
# With more images the comparison of all with all takes too long.
MOST_IMAGES = 20_000


def small_picture(gray: Image.Image) -> np.ndarray:
    """Return a gray picture as it is kept for the comparison, uint8 64 x 64."""
    shrinks = min(gray.size) >= KEPT
    return np.asarray(gray.resize((KEPT, KEPT), Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC))


def find_transformed_copies(pictures: Sequence[np.ndarray], fine: bool = False) -> list[tuple[int, int, float]]:
    """Return index pairs of pictures of which one is a mirrored or cropped copy of the other, and their correlation.

    The most similar pair comes first. `fine` is for pictures of few details, as digits: all must agree. Equal pictures
    are such a pair too; empty for more than 20,000.
    """
    if not 2 <= len(pictures) <= MOST_IMAGES:
        return []
    images = torch.from_numpy(np.stack(pictures))[:, None].float()
    found: dict[tuple[int, int], float] = {}
    for query in (images, images.flip(3)):
        pairs = _similar(query, images)
        for part in pairs.split(BLOCK * 4):
            fits = _fitted(query[part[:, 0]], images[part[:, 1]], _boxes()[part[:, 2]], FITTED if fine else JUDGED)
            for (a, b, _), fit in zip(part.tolist(), fits.tolist(), strict=True):
                if fit >= (FINE_COPY if fine else COPY):
                    pair = (min(a, b), max(a, b))
                    found[pair] = max(fit, found.get(pair, 0.0))
    return sorted(((a, b, fit) for (a, b), fit in found.items()), key=lambda row: (-row[2], row[:2]))


def _boxes() -> Tensor:
    """Return the parts that are compared: left, top, width, height in shares of the sides, P x 4."""
    rows = [[x * (1 - s), y * (1 - s), s, s] for s in SHARES for y in PLACES for x in PLACES]
    return torch.tensor([[0.0, 0.0, 1.0, 1.0], *rows])


def _similar(query: Tensor, images: Tensor) -> Tensor:
    """Return for each query the images with the most similar parts: rows of query, image and part."""
    boxes = _boxes()
    cut = (_cut(images, box.expand(len(images), 4), FITTED) for box in boxes)
    parts = [_standard(F.adaptive_avg_pool2d(part, COARSE)) for part in cut]
    wanted, rows = _standard(F.adaptive_avg_pool2d(query, COARSE)), []
    for begin in range(0, len(query), BLOCK):
        block = wanted[begin : begin + BLOCK]
        best = block @ parts[0].T
        for part in parts[1:]:
            torch.maximum(best, block @ part.T, out=best)
        own = torch.arange(len(block))
        best[own, begin + own] = -1.0
        values, which = best.topk(min(MOST, len(images) - 1), 1)
        a, k = (values >= LEAST).nonzero(as_tuple=True)
        b = which[a, k]
        likeness = torch.stack([(block[a] * part[b]).sum(1) for part in parts], 1)
        rows.append(torch.stack([begin + a, b, likeness.argmax(1)], 1))
    return torch.cat(rows)


def _fitted(query: Tensor, images: Tensor, boxes: Tensor, judged: int) -> Tensor:
    """Return the correlation of each query with the part of its image that fits best, searched from `boxes` on.

    It is that of both at `judged` x `judged` pixels.
    """
    size = (FITTED, FITTED)
    template = _standard(F.interpolate(query, size, mode="area")).view(-1, *size)
    across, down = (torch.gradient(template, dim=dim)[0] * FITTED for dim in (2, 1))
    x = ((torch.arange(FITTED) + 0.5) / FITTED).expand(size)
    slopes = torch.stack([across, across * x, down, down * x.T], 3).flatten(1, 2)
    slopes = slopes - slopes.mean(1, keepdim=True)
    solve = torch.linalg.inv(slopes.mT @ slopes + 1e-4 * torch.eye(4)) @ slopes.mT
    best, wanted = torch.full((len(query),), -1.0), _standard(F.adaptive_avg_pool2d(template, judged))
    for _ in range(STEPS):
        part = _standard(_cut(images, boxes, FITTED))
        coarse = _standard(F.adaptive_avg_pool2d(part.view(-1, *size), judged))
        best = torch.maximum(best, (coarse * wanted).sum(1))
        shift = (solve @ (part - template.flatten(1))[:, :, None]).squeeze(2).clamp(-0.15, 0.15)
        left, width = _moved(boxes[:, 0], boxes[:, 2], shift[:, 0], shift[:, 1])
        top, height = _moved(boxes[:, 1], boxes[:, 3], shift[:, 2], shift[:, 3])
        boxes = torch.stack([left, top, width, height], 1)
    return best


def _moved(begin: Tensor, length: Tensor, offset: Tensor, stretch: Tensor) -> tuple[Tensor, Tensor]:
    """Return begin and length of a side after undoing a shift and a stretch, both in shares of the length."""
    length_now = (length / (1 + stretch)).clamp(SMALLEST, 1.0)
    begin = begin - offset * length_now
    return begin.clamp(min=0).minimum(1 - length_now), length_now


def _cut(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Return the part of each image, N x 1 x S x S, in its box, resized bilinearly, N x 1 x size x size."""
    places = (torch.arange(size) + 0.5) / size
    x = (boxes[:, :1] + boxes[:, 2:3] * places) * 2 - 1
    y = (boxes[:, 1:2] + boxes[:, 3:4] * places) * 2 - 1
    shape = (len(boxes), size, size)
    grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], 3)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="border")


def _standard(images: Tensor) -> Tensor:
    """Return the pixels of each image as a row of mean 0 and length 1; all 0 for an image of one colour."""
    rows = images.flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-3)
