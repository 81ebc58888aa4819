"""Affine transforms against SciPy and torchvision, image by image; the elastic field against that of Simard et al."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from convscope.data.augment.affine_elastic import (
    affine,
    affine_matrices,
    elastic,
    rotate,
    rotation,
    smooth_field,
    warp_affine,
    warp_field,
)
from convscope.data.augment.context import uniform

from .images import channels_last, context, generator, noise, photos

SHAPES = [(12, 1, 28, 28), (12, 3, 17, 30), (2, 3, 1, 5)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_warp_affine(shape):
    images, (n, c, h, w) = noise(shape), shape
    matrices = affine_matrices(1.5 * uniform(generator(1), 5, n), (h, w))
    expected = np.empty(shape)
    middle = np.array([(h - 1) / 2, (w - 1) / 2])
    for i in range(n):
        across, down = matrices[i].numpy()
        matrix = np.array([[down[1], down[0]], [across[1], across[0]]])  # SciPy's positions are row, column
        offset = middle - matrix @ middle + np.array([down[2], across[2]])
        for k in range(c):
            image = images[i, k].numpy().astype(float)
            options = {"order": 1, "mode": "grid-constant", "cval": image[0, 0]}
            expected[i, k] = ndimage.affine_transform(image, matrix, offset, **options)
    warped = warp_affine(channels_last(images), matrices)
    torch.testing.assert_close(warped.double(), torch.from_numpy(expected), atol=0.02, rtol=0)


def test_matrices_rotate_scale_shear_and_translate():
    parameters = uniform(generator(4), 5, 20)
    matrices = affine_matrices(parameters, (20, 50))
    for m, (turn, scale, shear, across, down) in zip(matrices, parameters.T.tolist(), strict=True):
        angle = math.radians(12 * turn)
        rotating = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        expected = (1 + 0.12 * scale) * rotating @ np.array([[1, 0.15 * shear], [0, 1]])
        np.testing.assert_allclose(m[:, :2], expected, atol=1e-12)
        np.testing.assert_allclose(m[:, 2], [0.08 * 50 * across, 0.08 * 20 * down], atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rotation(shape):
    images = noise(shape)
    angles = 180 * uniform(generator(5), len(images))
    turned = warp_affine(images, rotation(angles.deg2rad()))
    for image, angle, result in zip(images.float(), angles.tolist(), turned, strict=True):
        # Not by its `fill`, which counts pixels that are half outside twice.
        corner = image[:, :1, :1]
        expected = reference.rotate(image - corner, angle, InterpolationMode.BILINEAR) + corner
        torch.testing.assert_close(result, expected, atol=0.05, rtol=0)


@pytest.mark.parametrize("change", [rotate, affine, elastic])
def test_amount_0_changes_nothing(change):
    images = noise((6, 3, 28, 19))
    torch.testing.assert_close(change(images, context(6), 0), images.float(), atol=0.01, rtol=0)


def test_random_parameters_are_applied():
    images, size = noise((6, 3, 28, 19)), (28, 19)
    turned = warp_affine(images, rotation((9 * uniform(generator(), 6)).deg2rad()))
    torch.testing.assert_close(rotate(images, context(6), 9), turned)
    assert torch.equal(
        affine(images, context(6), 0.7), warp_affine(images, affine_matrices(0.7 * uniform(generator(), 5, 6), size))
    )
    knots = torch.rand(6, 2, 14, 14, generator=generator()) * 2 - 1
    torch.testing.assert_close(elastic(images, context(6), 2), warp_field(images, 2 * smooth_field(knots, *size)))


def test_random_parameters_reach_their_limits_and_no_further():
    """Of a spot right of the centre: how far it is rotated, scaled and translated."""
    spot = torch.zeros(1, 1, 61, 61)
    spot[:, :, 29:32, 49:52] = 255
    spots = spot.repeat(400, 1, 1, 1)
    y, x = torch.meshgrid(torch.arange(61.0) - 30, torch.arange(61.0) - 30, indexing="ij")

    def centres(images):
        weight = images.sum((1, 2, 3))
        return torch.stack([(images[:, 0] * x).sum((1, 2)) / weight, (images[:, 0] * y).sum((1, 2)) / weight])

    across, down = centres(rotate(spots, context(400), 15))
    degrees = torch.atan2(down, across).rad2deg()
    assert 14 < degrees.abs().max() < 15.2 and degrees.abs().min() < 0.5 and abs(float(degrees.mean())) < 2
    across, down = centres(affine(spots, context(400), 1))
    assert across.min() > 0 and across.max() < 20 * 1.16 + 5 and 7 < down.abs().max() < 20 * 0.25 + 5
    assert abs(float(down.mean())) < 1


def test_the_limit_of_translation_is_8_percent():
    images = noise((1, 1, 25, 25))
    for column, axis in ((3, 3), (4, 2)):
        parameters = torch.zeros(5, 1, dtype=torch.float64)
        parameters[column] = 1
        moved = warp_affine(images, affine_matrices(parameters, (25, 25)))
        kept = [slice(None), slice(None), slice(0, 25), slice(0, 25)]
        kept[axis] = slice(0, 23)
        part = tuple(kept)
        torch.testing.assert_close(moved[part], images.float().roll(-2, axis)[part], atol=0.01, rtol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_warp_field(shape):
    images, (n, c, h, w) = noise(shape), shape
    field = 0.2 * torch.rand(n, 2, h, w, generator=generator(6)) - 0.1
    expected = np.empty(shape)
    rows, columns = np.mgrid[0.0:h, 0.0:w]
    for i in range(n):
        positions = [rows + h * field[i, 1].double().numpy(), columns + w * field[i, 0].double().numpy()]
        for k in range(c):
            image = images[i, k].numpy().astype(float)
            options = {"order": 1, "mode": "grid-constant", "cval": image[0, 0]}
            expected[i, k] = ndimage.map_coordinates(image, positions, **options)
    warped = warp_field(channels_last(images), field.clone())
    torch.testing.assert_close(warped.double(), torch.from_numpy(expected), atol=0.02, rtol=0)


def test_the_elastic_field_is_as_large_and_as_smooth_as_that_of_simard_et_al():
    """The paper's recipe in SciPy: uniform noise, smoothed with sigma 4 and multiplied by 34, on 29 x 29."""
    random = np.random.default_rng(0)
    theirs = 34 * ndimage.gaussian_filter(random.uniform(-1, 1, (600, 61, 61)), (0, 4, 4))[:, 16:45, 16:45]
    knots = torch.rand(300, 2, 14, 14, generator=generator()) * 2 - 1
    ours = 29 * smooth_field(knots, 29, 29).flatten(0, 1).double().numpy()
    assert abs(ours.mean()) < 0.05 and ours.std() == pytest.approx(theirs.std(), rel=0.05)
    # The same everywhere, also at edges and corners, and along both axes.
    np.testing.assert_allclose(ours.std(0), np.full((29, 29), theirs.std()), rtol=0.15)
    for axis in (1, 2):
        for lag in (1, 4, 8):
            correlations = []
            for field in (ours, theirs):
                here, there = np.take(field, range(29 - lag), axis), np.take(field, range(lag, 29), axis)
                correlations.append((here * there).mean() / field.var())
            assert correlations[0] == pytest.approx(correlations[1], abs=0.04)


def test_displacements_are_independent_across_axes_and_images():
    knots = torch.rand(200, 2, 14, 14, generator=generator()) * 2 - 1
    field = smooth_field(knots, 20, 30)
    assert field.shape == (200, 2, 20, 30)
    across, down = field[:, 0].flatten(), field[:, 1].flatten()
    assert abs(np.corrcoef(across, down)[0, 1]) < 0.1
    images = photos(1, 1, 28, 28).repeat(20, 1, 1, 1)
    assert len(elastic(images, context(20), 1).flatten(1).unique(dim=0)) == 20
