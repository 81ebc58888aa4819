"""Find images whose label is probably wrong: by probabilities of classifiers that have not seen them.

Features of every image come from a network; a logistic regression per fold learns from the images of the other folds.
So nobody has told it the label that it judges. Which of them to doubt follows from confident learning (Northcutt et al.
2021): a class is claimed where its probability reaches what images of that class have on average.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..classifier import Classifier
from ..data.decoded import Decoded, decode_split
from ..data.preprocess import Preprocess
from ..data.split import Data, Split
from ..errors import DataError, printable, require_extra
from .early_maps import early_maps
from .features import features_of
from .outliers import Outlier, far_images

FOLDS, SEED = 5, 0
# Principal components of the plain pixels, where there is no network; the side to which they are shrunk.
COMPONENTS, SIDE, SIMILAR = 100, 32, 300
# How freely classifiers of features may fit (scikit-learn's C), the strictest first: free ones are sure of their own
# mistakes. The strictest is taken whose log loss on other images is at most this many times the smallest.
FREEDOMS, LOSS = (0.001, 0.01, 0.1, 1.0), 1.1
# Early layers judge where they agree with this share of the labels, without those that err this many times as often as
# the best of them. Measured on digits alone: photos are left to the last layer.
ENOUGH, MUCH_WORSE = 0.95, 4.0
# The places of the images that are learned from and of those that are judged.
Fold = tuple[np.ndarray, np.ndarray]
# A class with fewer images than this cannot be judged.
FEWEST = 5


@dataclass(frozen=True)
class LabelDoubt:
    """An image whose label is probably wrong: the class it has, the one it seems to have, and their probabilities."""

    path: str
    split: str
    label: str
    suggested: str
    probability: float
    probability_of_label: float


@dataclass(frozen=True)
class LabelCheck:
    """What was found: the doubts, the most doubtful first, on how many images, and the share of labels confirmed.

    `outliers` are the images unlike all others, the farthest first. `weak` is true where only the pixels of photos
    judged: about a quarter of such doubts were right.
    """

    doubts: list[LabelDoubt]
    images: int
    accuracy: float
    features: str
    outliers: list[Outlier]
    weak: bool = False


def check_labels(
    data: Data,
    classifier: Classifier | None = None,
    name: str = "",
    blank: Collection[str] = (),
    learned: Collection[str] = (),
) -> LabelCheck:
    """Judge the labels of all images of a data set by the features of `classifier`, or without one by their pixels.

    The images named `learned` are those that it was trained on, with labels that it may know by heart: if they are
    some of these, its early layers judge.
    The images named `blank` show nothing and can be of any class, so no classifier learns from or judges them.
    DataError for several labels per image, or where a class has fewer than five usable images.
    """
    require_extra("heads", "sklearn", "finding label errors needs scikit-learn")
    if data.multi_label:
        raise DataError(f"{printable(data.name)} has several labels per image: --labels is for one class per image")
    whole, splits = data.split("all"), [n for n, part in data.splits.items() for _ in part.names]
    features, kept, decoded = _features(whole, data.channels, classifier, blank)
    labels = whole.labels[kept]
    counts = np.bincount(labels, minlength=len(data.class_names))
    if counts.min() < FEWEST:
        few = printable(data.class_names[int(counts.argmin())])
        raise DataError(f"class '{few}' has {counts.min()} usable images: --labels needs {FEWEST} of each class")
    groups = data.groups_of([whole.names[i] for i in kept])
    folds = _folds_by_group(labels, groups, data) if groups else None
    early = None
    if classifier is not None and not {*learned}.isdisjoint(whole.names):
        early = _by_early_layers(classifier, decoded, labels, folds)
    plain = classifier is None
    probabilities = out_of_fold(features, labels, plain=plain, folds=folds) if early is None else early
    doubtful = doubtful_labels(labels, probabilities)
    doubts = [
        LabelDoubt(
            whole.names[kept[i]], splits[kept[i]], data.class_names[labels[i]], data.class_names[j],
            float(probabilities[i, j]), float(probabilities[i, labels[i]]),
        )
        for i, j in doubtful
    ]  # fmt: skip
    described = f"the features of {name}" if classifier is not None else f"{features.shape[1]} components of the pixels"
    described = f"early layers of {name} (it was trained with these labels)" if early is not None else described
    outliers = [Outlier(whole.names[kept[i]], splits[kept[i]], times) for i, times in far_images(features)]
    accuracy = float((probabilities.argmax(1) == labels).mean())
    weak = classifier is None and data.kind == "photos"
    return LabelCheck(doubts, len(labels), accuracy, described, outliers, weak)


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, plain: bool = False, folds: Sequence[Fold] | None = None
) -> np.ndarray:
    """Return the probabilities N x classes that a logistic regression fitted to the other folds gives each image.

    Of `plain` pixels, which no line divides, it gets the similarity to a few hundred images (Nystroem's kernel map). Of
    features it is as strict as the log loss of the first fold's images allows.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    cv = list(folds or StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(features, labels))
    if plain:
        few = torch.from_numpy(features[:: max(len(features) // 500, 1)])
        scale = float(torch.pdist(few).median()) or 1.0
        similarity = Nystroem(gamma=scale**-2, n_components=min(SIMILAR, len(features) // 2), random_state=SEED)
        model = make_pipeline(similarity, LogisticRegression(C=100, max_iter=300))
    else:
        train, test = cv[0]

        def regression(freedom: float) -> Pipeline:
            return make_pipeline(StandardScaler(), LogisticRegression(C=freedom, max_iter=300))

        def loss(freedom: float) -> float:
            fitted = regression(freedom).fit(features[train], labels[train])
            return float(log_loss(labels[test], fitted.predict_proba(features[test]), labels=fitted.classes_))

        losses = {freedom: loss(freedom) for freedom in FREEDOMS}
        model = regression(next(freedom for freedom in FREEDOMS if losses[freedom] <= LOSS * min(losses.values())))
    return cross_val_predict(model, features, labels, cv=cv, method="predict_proba")


def _by_early_layers(
    classifier: Classifier, decoded: Decoded, labels: np.ndarray, folds: Sequence[Fold] | None
) -> np.ndarray | None:
    """Return the probabilities N x classes by the early layers of a classifier that knows these labels by heart.

    They are the geometric mean of one regression per layer; None where early layers do not tell the classes apart.
    """
    maps = early_maps(classifier.network, decoded, classifier.preprocess, classifier.device)
    each = [out_of_fold(values, labels, folds=folds) for values in maps]
    wrong = [float((one.argmax(1) != labels).mean()) for one in each]
    good = [np.log(one + 1e-12) for one, share in zip(each, wrong, strict=True) if share <= MUCH_WORSE * min(wrong)]
    if not good:
        return None
    mean = np.exp(np.mean(good, axis=0))
    mean /= mean.sum(1, keepdims=True)
    return mean if (mean.argmax(1) == labels).mean() >= ENOUGH else None


def _folds_by_group(labels: np.ndarray, groups: Sequence[str], data: Data) -> list[Fold]:
    """Return folds that cut no group, each with every class among the other folds' images.

    Five of them, or fewer where the groups of a class are; DataError for a class of which one group has all images.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    named = np.array(groups)
    counts = [len(set(named[labels == label])) for label in range(len(data.class_names))]
    for number in range(min(FOLDS, *counts), 1, -1):
        cutter = StratifiedGroupKFold(number, shuffle=True, random_state=SEED)
        folds = list(cutter.split(labels, labels, named))
        if all(len(test) and len(np.unique(labels[train])) == len(counts) for train, test in folds):
            return folds
    few = printable(data.class_names[int(np.argmin(counts))])
    raise DataError(
        f"class '{few}' lies in too few groups to judge its labels by other groups: leave --group-by out, or add images"
    )


def doubtful_labels(labels: np.ndarray, probabilities: np.ndarray) -> list[tuple[int, int]]:
    """Return index and likelier class of the images whose label is probably wrong, the most doubtful first.

    An image claims the likeliest class whose probability reaches the mean that images labelled so have for it; its
    label is doubtful if the claimed class is another one, and also the likeliest of all.
    """
    classes = probabilities.shape[1]
    members = [labels == k for k in range(classes)]
    # Nothing reaches what is usual for a class of which there is no image.
    usual = np.array([probabilities[own, k].mean() if own.any() else np.inf for k, own in enumerate(members)])
    reached = np.where(probabilities >= usual - 1e-6, probabilities, -1.0)
    claimed = reached.argmax(1)
    wrong = (reached.max(1) >= 0) & (claimed != labels) & (claimed == probabilities.argmax(1))
    indices = np.flatnonzero(wrong)
    order = np.argsort(probabilities[indices, labels[indices]], kind="stable")
    return [(int(i), int(claimed[i])) for i in indices[order]]


def _features(
    whole: Split, channels: int, classifier: Classifier | None, blank: Collection[str]
) -> tuple[np.ndarray, list[int], Decoded]:
    """Return features of the usable images, their places among all, and they; those named `blank` are not used."""
    half = (0.5,) * channels
    preprocess = classifier.preprocess if classifier else Preprocess((channels, SIDE, SIDE), half, half)
    decoded = decode_split(whole, preprocess)
    if blank:
        decoded = decoded.take(torch.tensor([i for i, known in enumerate(decoded.names) if known not in blank]))
    place: dict[str, list[int]] = {}
    for i, known in enumerate(whole.names):
        place.setdefault(known, []).append(i)
    kept = [place[known].pop(0) for known in decoded.names]
    if classifier is not None:
        values = features_of(classifier.network, [], decoded, preprocess, classifier.device)
        return values.double().numpy(), kept, decoded
    pixels = torch.cat([decoded.pixels[i : i + 1000] for i in range(0, len(decoded), 1000)])
    return _components(pixels.flatten(1).double() / 255), kept, decoded


def _components(pixels: Tensor) -> np.ndarray:
    centred = pixels - pixels.mean(0)
    count = min(COMPONENTS, *centred.shape)
    torch.manual_seed(SEED)
    u, s, _ = torch.svd_lowrank(centred, q=count, niter=4)
    return (u * s).numpy()
