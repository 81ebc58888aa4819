"""Warps: every pixel of the result is read between the pixels of the image, bilinearly.

What comes in from outside is the colour of the image's own top left corner: on a digit, the background.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .memory_format import laid_out_like
from .context import Draw, uniform

# Simard, Steinkraus and Platt 2003 smooth displacements of -1..1 with sigma 4 and scale them by 34, on 29 x 29 digits.
# The smoothed field then has a standard deviation of 34 / sqrt(3) / (2 sqrt(pi) 4) = 1.38 pixels.
_SIGMA = 4 / 29
_DISPLACEMENT = 34 / math.sqrt(3) / (8 * math.sqrt(math.pi)) / 29
_KNOTS = 14


def rotate(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Turn each image about its middle by up to `amount` degrees, either way."""
    return warp_affine(images, rotation(uniform(draw.coin, len(images)) * math.radians(amount)))


def affine(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Turn by up to 12 degrees, scale by up to 12 %, shear by up to 0.15 and shift by up to 8 %: for digits.

    All four limits times `amount`.
    """
    return warp_affine(images, affine_matrices(amount * uniform(draw.coin, 5, len(images)), images.shape[2:]))


def elastic(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Bend each image by a smooth random field of displacements (Simard, Steinkraus and Platt 2003): for digits.

    `amount` 1 is the strength of the paper: 1.4 pixels on a digit of 29 (standard deviation). The field is a sum of
    Gaussian bumps on a coarse grid, which has the paper's spread and smoothness and needs an eighth of the draws.
    """
    knots = torch.rand(len(images), 2, _KNOTS, _KNOTS, generator=draw.coin).mul_(2).sub_(1)
    return warp_field(images, amount * smooth_field(knots.to(images.device), *images.shape[2:]))


def rotation(angles: Tensor) -> Tensor:
    """Matrices N x 2 x 3 for `warp_affine` that turn by angles N in radians, counter-clockwise."""
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    return torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)


def affine_matrices(draws: Tensor, size: tuple[int, ...]) -> Tensor:
    """Matrices N x 2 x 3 for `warp_affine` from draws 5 x N: turn, scale, shear, shift across and down; 1 is full."""
    h, w = size
    turn, scale = draws[0] * math.radians(12), 1 + 0.12 * draws[1]
    matrices = rotation(turn) * scale[:, None, None]
    matrices[:, :, 1] += 0.15 * draws[2, :, None] * matrices[:, :, 0]
    matrices[:, 0, 2], matrices[:, 1, 2] = 0.08 * w * draws[3], 0.08 * h * draws[4]
    return matrices


def smooth_field(knots: Tensor, h: int, w: int) -> Tensor:
    """Displacements N x 2 (across, down) x H x W as a share of the side, from knots N x 2 x 14 x 14 of -1..1."""
    height, width = _bumps(h, knots), _bumps(w, knots)
    return height @ (knots @ width.T)


def _bumps(side: int, like: Tensor) -> Tensor:
    """Gaussian bumps a sigma apart, seen at the middles of `side` pixels: side x 14."""
    places = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    centres = 0.5 + _SIGMA * (torch.arange(_KNOTS) - (_KNOTS - 1) / 2)
    bumps = torch.exp(-((places[:, None] - centres) / _SIGMA).square() / 2)
    # The squares of bumps a sigma apart add up to sqrt(pi) everywhere, and a draw of -1..1 has the variance 1/3.
    unit = math.sqrt(_DISPLACEMENT * math.sqrt(3 / math.pi))
    return (unit * bumps).to(like)


def warp_affine(images: Tensor, matrices: Tensor, black: bool = False) -> Tensor:
    """Pixel (x, y, 1), from the middle, of each result is read at `matrices` (N x 2 x 3, on the CPU) times it.

    With `black`, that is what comes in from outside.
    """
    h, w = images.shape[2:]
    halves = matrices.new_tensor([w / 2, h / 2]).view(1, 2, 1, 1)
    m = (matrices.view(-1, 2, 3, 1, 1) / halves[:, :, None]).to(images.device, torch.float32)
    x, y = _from_middle(w, images), _from_middle(h, images)
    grid = torch.addcmul(torch.addcmul(m[:, :, 2], m[:, :, 1], y[:, None]), m[:, :, 0], x)
    return _sample(images, grid, black)


def warp_field(images: Tensor, field: Tensor) -> Tensor:
    """Each pixel is read `field` (N x 2 x H x W: across, down; a share of the side) further. `field` is used up."""
    h, w = images.shape[2:]
    grid = field.mul_(2)
    grid[:, 0] += _from_middle(w, images) * (2 / w)
    grid[:, 1] += _from_middle(h, images)[:, None] * (2 / h)
    return _sample(images, grid)


def _from_middle(side: int, images: Tensor) -> Tensor:
    return torch.arange(side, dtype=torch.float32, device=images.device) - (side - 1) / 2


def _sample(images: Tensor, grid: Tensor, black: bool = False) -> Tensor:
    """Images read at a grid N x 2 x H x W (across, down) from -1 to 1, edge to edge."""
    # Plane by plane: in all its steps together that is quicker than channels-last, also with the way back.
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    corner = 0 if black else pixels[:, :, :1, :1].clone()
    read = F.grid_sample(pixels.sub_(corner), grid.permute(0, 2, 3, 1), padding_mode="zeros", align_corners=False)
    return laid_out_like(read.add_(corner).clamp_(0, 255), images)
