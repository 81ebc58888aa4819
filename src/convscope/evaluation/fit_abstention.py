"""Find out on validation images when a classifier should say "unknown": temperature, threshold, familiar features.

The validation images are cut into two halves, class by class and with each group whole. One chooses the epoch, and
which thresholds are tried in which order; the other, which chose nothing, tests them. So the bound on the wrong answers
holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..abstention import Abstention, Familiar, InputsOf
from ..data.decoded import Decoded
from ..data.decoding.pixels import pixel_batches
from ..data.preprocess import Preprocess
from ..label_sets import LabelSets
from ..models.tools.head import find_head
from ..pictures import batch_size_for
from ..prediction import logits_of
from .calibration import fit_temperature
from .metrics import Evaluation
from .proportion import upper_bound

# Fewer validation images than this are not cut in two: all of them choose the epoch, and nothing is fitted.
FEWEST = 200
# Nor are those whose groups (see `data.groups`) leave one part smaller than this.
FEWEST_OF_GROUPS = 50
# The answers given shall be wrong half as often as all answers, or as rarely as this share of the images could show if
# all of them were right; and the risk that this bound does not hold.
ERROR_SHARE, SURE_SHARE, DOUBT = 0.5, 0.8, 0.05
STEPS = 40
NO_FEATURES = "pictures of no class are not recognised: the network has no last layer whose inputs could be used"
# The share of pictures of the own classes that are taken for familiar.
KEPT = 0.95
# Training images whose features are stored, and the pixel values of all of them, for which they are computed again.
MOST_STORED, MOST_VALUES = 2000, 2**26


def halves(labels: Tensor, groups: Sequence[str] = ()) -> tuple[Tensor, Tensor]:
    """Return the indices of the half of the validation images that chooses the epoch, and of the one that tests.

    Of each class, or of each combination of several labels, every second image, in their order; where each has a group,
    no group lies in both. With fewer than 200 images, or too few groups, all choose and none tests.
    """
    everything = torch.arange(len(labels))
    if len(labels) < FEWEST:
        return everything, everything[:0]
    if groups:
        parts = _halves_by_group(labels, groups)
        return parts if min(map(len, parts)) >= FEWEST_OF_GROUPS else (everything, everything[:0])
    kinds = labels if labels.ndim == 1 else labels.unique(dim=0, return_inverse=True)[1]
    order = kinds.argsort(stable=True)
    return order[::2].sort().values, order[1::2].sort().values


def _halves_by_group(labels: Tensor, groups: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Cut images in two with each group whole: the largest first, each to where the classes then differ least."""
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    # What shall be equal: images of each class, or those with each label and all of them, which may have none.
    marks = F.one_hot(labels.long()) if labels.ndim == 1 else F.pad(labels, (0, 1), value=1)
    more = torch.zeros(marks.shape[1])  # of how many of each the first half has more
    parts: tuple[list[int], list[int]] = ([], [])
    for group in sorted(members, key=lambda each: (-len(members[each]), each)):
        counts = marks[members[group]].float().sum(0)
        to_second = bool((more - counts).square().sum() < (more + counts).square().sum())
        more += -counts if to_second else counts
        parts[to_second].extend(members[group])
    return torch.tensor(sorted(parts[0])), torch.tensor(sorted(parts[1]))


def fit_abstention(
    network: nn.Module,
    train: Decoded | None,
    val: Decoded,
    evaluation: Evaluation,
    preprocess: Preprocess,
    groups: Sequence[str] = (),
) -> Abstention:
    """Return what the validation images say; `evaluation` is that of all of them. Deterministic.

    `train` are the training images, of which the features of some are stored; `groups` are those of the validation
    images. With too few images or groups it says so.
    """
    choosing, testing = halves(evaluation.labels, groups)
    if not len(testing):
        return _too_few(len(val))
    temperature = fit_temperature(evaluation.logits[testing], evaluation.labels[testing])
    confidence, answers = (evaluation.logits.double() / temperature).softmax(1).max(1)
    wrong = answers != evaluation.labels
    shown = 1 - DOUBT ** (1 / (SURE_SHARE * len(testing)))
    risk = max(ERROR_SHARE * float(wrong[choosing].double().mean()), shown)
    threshold, notes = safe_threshold(confidence[choosing], confidence[testing], wrong[testing], risk), []
    if threshold is None:
        notes.append(
            f"no threshold was found above which at most {risk:.1%} of the answers are wrong: even the surest of "
            f"{len(testing):,} had more mistakes, or these images are too few"
        )
    familiar = None if train is None else fit_familiar(network, train, val, testing, preprocess)
    if familiar is None:
        notes.append(NO_FEATURES)
    return Abstention(
        temperature,
        threshold or 0.0,
        None if threshold is None else risk,
        float((confidence[testing] >= (threshold or 0.0)).double().mean()),
        len(testing),
        familiar,
        "; ".join(notes),
        LabelSets.of(evaluation.probabilities[testing, evaluation.labels[testing]].tolist()),
    )


def fit_unfamiliar(
    network: nn.Module, train: Decoded | None, val: Decoded, preprocess: Preprocess, groups: Sequence[str] = ()
) -> Abstention:
    """Return from which distance on a picture is like no training image: all that is refused where labels are several.

    Each label has a threshold of its own, and an image may have none, so there is no answer between two. Only the
    validation images that did not choose the epoch are measured.
    """
    testing = halves(val.labels, groups)[1]
    if not len(testing):
        return _too_few(len(val))
    found = None if train is None else fit_familiar(network, train, val, testing, preprocess)
    if found is None:
        return Abstention(note=NO_FEATURES)
    return Abstention(answered=found.kept, n=len(testing), familiar=found)


def _too_few(images: int) -> Abstention:
    """Return that these validation images are not cut in two: they, or their groups, are too few."""
    if images >= FEWEST:
        return Abstention(
            note=f"{images:,} validation images lie in too few groups to cut them in two, so that it is not found "
            "out when not to answer"
        )
    return Abstention(
        note=f"{images:,} validation images are too few to find out when not to answer: {FEWEST} are needed"
    )


def safe_threshold(choosing: Tensor, testing: Tensor, wrong: Tensor, risk: float) -> float | None:
    """Return the lowest confidence from which on at most the share `risk` of answers is wrong, with 95 % confidence.

    Thresholds are quantiles of the confidences `choosing`, and tried from the highest on that could pass, until one
    fails on the images `testing`, `wrong` or not: a fixed sequence of tests, each by the bound of Clopper and Pearson,
    needs no correction for their number (Angelopoulos et al. 2021). 0 if even all answers pass, None if none does.
    """
    needed = math.ceil(math.log(DOUBT) / math.log1p(-risk))
    if needed > len(testing):
        return None
    begin = min(1.05 * needed / len(testing), 1.0)
    found = None
    for coverage in np.linspace(begin, 1, STEPS):
        threshold = 0.0 if coverage == 1 else float(choosing.quantile(1 - coverage))
        answered = testing >= threshold
        if upper_bound(int(wrong[answered].sum()), int(answered.sum()), DOUBT) > risk:
            break
        found = threshold
    return found


def fit_familiar(
    network: nn.Module, train: Decoded, val: Decoded, testing: Tensor, preprocess: Preprocess
) -> Familiar | None:
    """Return the features of some training images, and how far 95 % of the tested images are; None without features."""
    device = next(iter([*network.parameters(), *network.buffers()])).device
    try:
        heads = find_head(network, torch.zeros(2, *preprocess.input_size, device=device))
    except (RuntimeError, ValueError, TypeError):  # a network that cannot be trained, such as one that ends in a tree
        return None
    if not heads:
        return None
    inputs = InputsOf(network.eval(), heads[-1])
    one_class = train.labels.ndim == 1  # then every so many of each class
    order = train.labels.argsort(stable=True) if one_class else torch.arange(len(train.labels))
    chosen = order[torch.linspace(0, len(order) - 1, stored_images(len(order), preprocess)).round().long()]
    # As they are stored, so that distances are what they will be.
    stored = features_at(inputs, train, chosen, preprocess, device).half().float()
    own = features_at(inputs, val, testing, preprocess, device)
    if not stored.isfinite().all() or not own.isfinite().all():
        return None
    familiar = Familiar(heads[-1], stored, math.inf, 1.0)
    distances = familiar.distances(own).sort().values
    farthest = float(distances[min(math.ceil(KEPT * len(distances)), len(distances)) - 1])
    return Familiar(heads[-1], stored, farthest, float((distances <= farthest).double().mean()))


def stored_images(images: int, preprocess: Preprocess) -> int:
    """Return of how many of so many training images the features are stored."""
    return min(images, max(min(MOST_STORED, MOST_VALUES // math.prod(preprocess.input_size)), 100))


def features_at(
    inputs: InputsOf, decoded: Decoded, indices: Tensor, preprocess: Preprocess, device: torch.device
) -> Tensor:
    """Return the features N x width of the images at `indices`."""
    batches = list(indices.split(batch_size_for(preprocess)))
    rows = []
    for pixels in pixel_batches(decoded.pixels, batches, device):
        logits_of(inputs, preprocess, preprocess.centre(pixels), device)
        assert inputs.features is not None
        rows.append(inputs.features)
    return torch.cat(rows)
