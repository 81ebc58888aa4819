"""The disturbances are what they are called: against torchvision, SciPy and Pillow; each image's own, in any batch."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as TF
from PIL import Image
from scipy.ndimage import gaussian_filter

from convscope.evaluation.robustness import DISTURBANCES, blurred, brighter, compressed, noisy, paler, turned

PLACES = torch.arange(3)


@pytest.fixture
def pixels() -> torch.Tensor:
    rough = torch.randint(0, 256, (3, 3, 6, 8), generator=torch.Generator().manual_seed(0)).float()
    return torch.nn.functional.interpolate(rough, (24, 32), mode="bilinear").round().to(torch.uint8)


def test_blur_is_scipys(pixels):
    expected = np.stack(
        [
            [gaussian_filter(c.numpy().astype(float), 1.2, mode="nearest", truncate=3.4) for c in image]
            for image in pixels
        ]
    )
    assert np.abs(blurred(pixels, 0.05, PLACES).numpy() - expected).max() < 1


def test_rotation_is_torchvisions(pixels):
    expected = TF.rotate(pixels, 30, interpolation=TF.InterpolationMode.BILINEAR)
    inside = (slice(None), slice(None), slice(8, 16), slice(12, 20))
    assert (turned(pixels, 30, PLACES)[inside].int() - expected[inside].int()).abs().max() <= 1


def test_brightness_contrast_and_jpeg(pixels):
    assert (brighter(pixels, 0.5, PLACES).int() - (pixels.float() / 2).round().int()).abs().max() == 0
    grays = pixels[:, :1]
    assert (paler(grays, 0.5, PLACES).int() - TF.adjust_contrast(grays, 0.5).int()).abs().max() <= 1
    content = io.BytesIO()
    Image.fromarray(grays[0, 0].numpy()).save(content, "JPEG", quality=25)
    assert np.abs(np.asarray(Image.open(content)).astype(int) - compressed(grays, 25, PLACES)[0, 0].numpy()).max() == 0


def test_noise_belongs_to_the_image_and_has_its_strength():
    gray = torch.full((40, 1, 32, 32), 128, dtype=torch.uint8)
    whole = noisy(gray, 0.1, torch.arange(40))
    assert float(whole.float().std()) == pytest.approx(25.5, rel=0.02)
    assert torch.equal(whole[7:9], noisy(gray[7:9], 0.1, torch.tensor([7, 8])))


def test_every_disturbance_keeps_shape_and_type(pixels):
    for images in (pixels, pixels[:, :1]):
        for disturb, levels in DISTURBANCES.values():
            for level in levels:
                out = disturb(images, level, PLACES)
                assert out.shape == images.shape and out.dtype == torch.uint8
                assert not torch.equal(out, images), disturb
