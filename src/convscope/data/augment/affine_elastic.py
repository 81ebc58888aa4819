"""Affine and elastic transforms: every pixel of the result is interpolated bilinearly between pixels of the image.

Outside the image, pixels have the colour of the image's top left corner: on a digit, that of the background.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .context import BatchContext, uniform
from .memory_format import in_format_of

# Simard, Steinkraus and Platt 2003 smooth displacements of -1..1 with sigma 4 and scale them by 34, on 29 x 29 digits.
# The smoothed field then has a standard deviation of 34 / sqrt(3) / (2 sqrt(pi) 4) = 1.38 pixels.
_SIGMA = 4 / 29
_DISPLACEMENT = 34 / math.sqrt(3) / (8 * math.sqrt(math.pi)) / 29
_KNOTS = 14
# The limits of `affine`: degrees, share of the size, shear, share of the side.
_ROTATION, _SCALE, _SHEAR, _TRANSLATION = 12, 0.12, 0.15, 0.08


def rotate(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Rotate each image about its centre by up to `amount` degrees in either direction."""
    return warp_affine(images, rotation(uniform(context.generator, len(images)) * math.radians(amount)))


def affine(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Rotate by up to 12 degrees, scale by up to 12 %, shear by up to 0.15 and translate by up to 8 %: for digits.

    All four limits are multiplied by `amount`.
    """
    parameters = amount * uniform(context.generator, 5, len(images))
    return warp_affine(images, affine_matrices(parameters, images.shape[2:]))


def elastic(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Distort each image by a smooth random displacement field (Simard, Steinkraus and Platt 2003): for digits.

    `amount` 1 is the paper's strength: displacements with a standard deviation of 1.4 pixels on a digit of 29. The
    field is a sum of Gaussians on a coarse grid, which has the deviation and smoothness of the paper's field but needs
    an eighth of the random numbers.
    """
    knots = torch.rand(len(images), 2, _KNOTS, _KNOTS, generator=context.generator).mul_(2).sub_(1)
    return warp_field(images, amount * smooth_field(knots.to(images.device), *images.shape[2:]))


def rotation(angles: Tensor) -> Tensor:
    """Return matrices N x 2 x 3 for `warp_affine` that rotate by angles N in radians, counter-clockwise."""
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    return torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)


def affine_matrices(parameters: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return matrices N x 2 x 3 for `warp_affine` and images of height x width.

    The parameters 5 x N, 1 for the limit, are rotation, scale, shear, translation to the right and down.
    """
    h, w = size
    angle, scale = parameters[0] * math.radians(_ROTATION), 1 + _SCALE * parameters[1]
    matrices = rotation(angle) * scale[:, None, None]
    matrices[:, :, 1] += _SHEAR * parameters[2, :, None] * matrices[:, :, 0]
    matrices[:, 0, 2], matrices[:, 1, 2] = _TRANSLATION * w * parameters[3], _TRANSLATION * h * parameters[4]
    return matrices


def smooth_field(knots: Tensor, h: int, w: int) -> Tensor:
    """Return displacements N x 2 (right, down) x H x W in shares of the side from knots N x 2 x 14 x 14 of -1..1."""
    height, width = _gaussians(h, knots), _gaussians(w, knots)
    return height @ (knots @ width.T)


def _gaussians(side: int, like: Tensor) -> Tensor:
    """Return the values of Gaussians one sigma apart at the centres of `side` pixels: side x 14."""
    centres_of_pixels = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    centres = 0.5 + _SIGMA * (torch.arange(_KNOTS) - (_KNOTS - 1) / 2)
    values = torch.exp(-((centres_of_pixels[:, None] - centres) / _SIGMA).square() / 2)
    # The squares of Gaussians a sigma apart add up to sqrt(pi) everywhere, and a knot of -1..1 has the variance 1/3.
    unit = math.sqrt(_DISPLACEMENT * math.sqrt(3 / math.pi))
    return (unit * values).to(like)


def warp_affine(images: Tensor, matrices: Tensor, black: bool = False) -> Tensor:
    """Read pixel (x, y, 1), counted from the centre, of each result at `matrices` (N x 2 x 3, on the CPU) times it.

    With `black`, pixels outside the image are black.
    """
    h, w = images.shape[2:]
    halves = matrices.new_tensor([w / 2, h / 2]).view(1, 2, 1, 1)
    m = (matrices.view(-1, 2, 3, 1, 1) / halves[:, :, None]).to(images.device, torch.float32)
    x, y = _from_centre(w, images), _from_centre(h, images)
    grid = torch.addcmul(torch.addcmul(m[:, :, 2], m[:, :, 1], y[:, None]), m[:, :, 0], x)
    return _interpolate(images, grid, black)


def warp_field(images: Tensor, field: Tensor) -> Tensor:
    """Read each pixel at a displacement (N x 2 x H x W: right, down; in shares of the side). `field` is overwritten."""
    h, w = images.shape[2:]
    grid = field.mul_(2)
    grid[:, 0] += _from_centre(w, images) * (2 / w)
    grid[:, 1] += _from_centre(h, images)[:, None] * (2 / h)
    return _interpolate(images, grid)


def _from_centre(side: int, images: Tensor) -> Tensor:
    return torch.arange(side, dtype=torch.float32, device=images.device) - (side - 1) / 2


def _interpolate(images: Tensor, grid: Tensor, black: bool = False) -> Tensor:
    """Read images at a grid N x 2 x H x W (x, y) of positions from -1 to 1, edge to edge."""
    # Contiguous: over all steps together that is faster than channels-last, the conversion back included.
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    corner = 0 if black else pixels[:, :, :1, :1].clone()
    read = F.grid_sample(pixels.sub_(corner), grid.permute(0, 2, 3, 1), padding_mode="zeros", align_corners=False)
    return in_format_of(images, read.add_(corner).clamp_(0, 255))
