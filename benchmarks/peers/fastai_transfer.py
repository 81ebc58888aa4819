"""Transfer from public weights by fastai: `fine_tune`, as its page on pet breeds has it.

    python -m benchmarks.peers.fastai_transfer --data DIR --model NAME --weights FILE --seconds S [--seed S]

Photos resized to 460 pixels and augmented to 224 (`aug_transforms(size=224, min_scale=0.75)`), batches of 64,
`vision_learner` on the timm network with the weights of the file, and `fine_tune` at its own rate: one epoch of the
head, then as many of all layers as fit into S seconds of training. It learns from all but ten of the photos or so,
which it wants for validation, and keeps its last weights. DIR has train/CLASS and test/CLASS.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastai.vision.all import (
    CategoryBlock,
    DataBlock,
    ImageBlock,
    Learner,
    Normalize,
    RandomSplitter,
    Resize,
    aug_transforms,
    get_image_files,
    parent_label,
    set_seed,
    vision_learner,
)

from benchmarks.peers import common
from benchmarks.peers.fastai_loop import CPU, Timing
from benchmarks.peers.transfer_loop import arguments, network_with

VALIDATION = 10  # photos


def loaders_of(data: Path, mean: Any, std: Any, seed: int) -> Any:
    """fastai's loaders of the photos in data/train."""
    photos = len(get_image_files(data, folders=["train"]))
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=partial(get_image_files, folders=["train"]),
        splitter=RandomSplitter(valid_pct=VALIDATION / photos, seed=seed),
        get_y=parent_label,
        item_tfms=Resize(460),
        batch_tfms=[*aug_transforms(size=224, min_scale=0.75), Normalize.from_stats(mean, std, cuda=False)],
    )
    return block.dataloaders(data, bs=min(64, photos // 2), device=CPU)


def main() -> None:
    given = arguments()
    set_seed(given.seed)
    classes = len([folder for folder in (given.data / "train").iterdir() if folder.is_dir()])
    source = network_with(given.weights, given.model, classes)
    settings = source.pretrained_cfg
    loaders = loaders_of(given.data, settings["mean"], settings["std"], given.seed)

    def learner() -> Learner:
        made = vision_learner(loaders, given.model, pretrained=False, normalize=False)
        body = made.model[0].model
        body.load_state_dict(
            {name: tensor for name, tensor in source.state_dict().items() if name in body.state_dict()}
        )
        return made

    clock, trial = common.Clock(), learner()
    with trial.no_bar(), trial.no_logging():
        passes = common.passes_that_fit(given.seconds, lambda watch: trial.fit_one_cycle(1, cbs=[Timing(watch)]))
    trained = learner()
    with trained.no_bar(), trained.no_logging():
        # An epoch of the head alone takes about half as long.
        trained.fine_tune(max(passes - 1, 1), cbs=[Timing(clock)])
        test = loaders.test_dl(get_image_files(given.data / "test"), with_labels=True)
        answers, truth = trained.get_preds(dl=test)
    common.report("fastai", clock, float((answers.argmax(1) == truth).float().mean()), ("fastai", "timm", "torch"))


if __name__ == "__main__":
    main()
