"""The training loop: one step, one epoch and a whole training, checked against independent arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.data.augment.mixup_cutmix import Mixed
from convscope.data.batches import Batches
from convscope.data.decoded import Decoded
from convscope.data.preprocess import Preprocess
from convscope.run_folder import RunFolder
from convscope.training.checkpoint import Progress, read_weights
from convscope.training.context import TrainingContext
from convscope.training.hardware.runtime import Runtime, choose_runtime
from convscope.training.loop.gradients import mean_loss
from convscope.training.loop.trainer import Trainer
from convscope.training.progress_display import ProgressDisplay
from convscope.training.time_budget import Clock

CPU = torch.device("cpu")


def tiny_data(count: int = 12, classes: int = 3) -> Decoded:
    pixels = torch.randint(0, 256, (count, 1, 6, 6), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return Decoded(pixels, torch.arange(count) % classes, [str(i) for i in range(count)], [], [])


def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def tiny_trainer(tmp_path, recipe: cs.Recipe, network: nn.Module | None = None, data: Decoded | None = None) -> Trainer:
    preprocess = Preprocess((1, 6, 6))
    batches = Batches(data or tiny_data(), preprocess, recipe.batch_size, recipe.seed, CPU)
    clock, display = Clock(recipe.time_budget), ProgressDisplay(None, recipe)
    context = TrainingContext(recipe, Runtime(CPU, "float32"), RunFolder(tmp_path), clock, display)
    return Trainer(context, network or tiny_network(), batches, identity="test")


def recipe(**values) -> cs.Recipe:
    return cs.Recipe().changed(**{"schedule": "constant", "optimizer": "sgd", "epochs": 1, "augment": "none"} | values)


def test_one_step_equals_sgd_by_hand(tmp_path):
    """Momentum, weight decay on kernels only, and nothing else: w <- w - lr (momentum v + g + decay w)."""
    settings = recipe(lr=0.1, momentum=0.9, weight_decay=0.05, batch_size=12)
    trainer = tiny_trainer(tmp_path, settings)
    images, labels = next(trainer.batches.epoch(0))
    velocity = {name: torch.zeros_like(p) for name, p in trainer.network.named_parameters()}
    for _ in range(3):
        before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
        loss = F.cross_entropy(trainer.network(images), labels)
        gradients = torch.autograd.grad(loss, list(trainer.network.parameters()))
        trainer.set_rate(trainer.share())
        figures = trainer.step(images, labels)
        assert float(figures[0]) == pytest.approx(float(loss.detach()), rel=1e-6)
        for (name, after), gradient in zip(trainer.network.named_parameters(), gradients, strict=True):
            decay = 0.05 if before[name].ndim > 1 else 0.0
            velocity[name] = 0.9 * velocity[name] + gradient + decay * before[name]
            torch.testing.assert_close(after.detach(), before[name] - 0.1 * velocity[name], rtol=1e-5, atol=1e-7)


def test_a_mixed_batch_has_the_loss_of_both_its_labels(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(label_smoothing=0.1))
    outputs = torch.randn(4, 3)
    first, second = torch.tensor([0, 1, 2, 0]), torch.tensor([1, 1, 0, 2])
    one_hot = 0.3 * F.one_hot(first, 3).float() + 0.7 * F.one_hot(second, 3).float()
    expected = F.cross_entropy(outputs, one_hot, label_smoothing=0.1)
    torch.testing.assert_close(mean_loss(trainer.loss_of, outputs, Mixed(first, second, 0.3), 0.1), expected)


def test_the_average_is_what_is_measured_and_kept(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(lr=0.5, epochs=4, ema_decay=0.9))
    seen = []
    trainer.validate = lambda network: seen.append(network) or FakeEvaluation(0.5)
    trainer.fit()
    assert trainer.average is not None and all(network is trainer.average.module for network in seen)
    kept = tiny_network()
    read_weights(trainer.folder.best, kept)
    for ours, average, last in zip(
        kept.parameters(), trainer.average.module.parameters(), trainer.network.parameters(), strict=True
    ):
        assert torch.equal(ours, average) and not torch.equal(ours, last)


@pytest.mark.parametrize("epochs", [1, 3, 6])
def test_epochs_of_one_step_are_averaged_too(tmp_path, epochs):
    trainer = tiny_trainer(tmp_path, recipe(lr=0.5, epochs=epochs, ema_decay=0.9))
    trainer.fit()
    first, kept = tiny_network(), trainer.kept_network
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), kept.parameters(), strict=True))


def test_short_epochs_are_not_all_saved(tmp_path, monkeypatch):
    """The first one and the end are; the best weights reach the disk all the same."""
    trainer = tiny_trainer(tmp_path, recipe(epochs=6))
    saved = []
    save = trainer.state.save
    monkeypatch.setattr(trainer.state, "save", lambda *words: saved.append(trainer.progress.epoch) or save(*words))
    trainer.fit()
    assert saved == [1, 6]
    kept = tiny_network()
    read_weights(trainer.folder.best, kept)
    assert all(torch.equal(a, b) for a, b in zip(kept.parameters(), trainer.network.parameters(), strict=True))
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 7


def test_a_tiny_batch_is_learned_by_heart(tmp_path):
    settings = recipe(lr=0.01, optimizer="adamw", epochs=150, batch_size=12, weight_decay=0.0)
    done = tiny_trainer(tmp_path, settings).fit()
    assert (
        done.history[-1]["train/top1"] == 1.0 and done.history[-1]["train/loss"] < 0.05 < done.history[0]["train/loss"]
    )


def test_label_smoothing_reaches_the_loss(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(label_smoothing=0.3, batch_size=12))
    images, labels = next(trainer.batches.epoch(0))
    expected = F.cross_entropy(trainer.network(images), labels, label_smoothing=0.3)
    assert float(trainer.step(images, labels)[0]) == pytest.approx(expected.item(), rel=1e-6)


def test_an_attribute_loss_of_ones_own_module_is_not_taken_for_the_loss(tmp_path):
    """In other people's modules it can be anything; the catalogue's own losses are tested in test_class_weights."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = tiny_network()

        def forward(self, images):
            return self.net(images)

        def loss(self, logits, labels):
            return logits.square().mean() + 7

    trainer = tiny_trainer(tmp_path, recipe(batch_size=12), Own())
    images, labels = next(trainer.batches.epoch(0))
    expected = F.cross_entropy(trainer.network(images), labels)
    assert float(trainer.step(images, labels)[0]) == pytest.approx(expected.item(), rel=1e-6)


def test_divergence_keeps_the_last_finite_state(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(lr=1e4, epochs=50, batch_size=4, momentum=0.99))
    with pytest.raises(cs.DivergedError, match=r"the loss became (nan|inf) in epoch \d+, step \d+: .*--lr 0.1,"):
        trainer.fit()
    if trainer.progress.epoch:
        fresh = tiny_trainer(tmp_path, recipe(lr=1e-3, epochs=50))
        fresh.resume()
        assert fresh.progress.epoch > 0
        assert all(p.isfinite().all() for p in fresh.network.parameters())


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe())
    with torch.no_grad():
        trainer.network[0].weight[0] = math.nan
    with pytest.raises(cs.DivergedError):
        trainer.save()
    assert not (tmp_path / "checkpoints").exists()


def test_patience_stops_a_training_that_no_longer_improves(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(lr=1e-9, epochs=50, patience=3, monitor="val/top1"))
    values = iter([0.5, 0.6, 0.6, 0.55, 0.5, 0.4, 0.9])
    trainer.validate = lambda network: FakeEvaluation(next(values))
    done = trainer.fit()
    # The third epoch is as good as the second and has trained longer; three more bring nothing.
    assert (done.epoch, done.best_epoch) == (6, 3)


class FakeEvaluation:
    PER_EPOCH = ("loss", "top1")

    def __init__(self, top1: float, loss: float = 1.0):
        self.loss, self.values = loss, {"loss": loss, "top1": top1}

    def figures(self):
        return self.values


@pytest.mark.parametrize(("monitor", "best"), [("val/top1", 2), ("val/loss", 3)])
def test_monitor_decides_on_the_best_epoch(tmp_path, monitor, best):
    trainer = tiny_trainer(tmp_path, recipe(epochs=3, monitor=monitor))
    rows = iter([FakeEvaluation(0.5, 0.3), FakeEvaluation(0.9, 0.2), FakeEvaluation(0.8, 0.1)])
    trainer.validate = lambda network: next(rows)
    assert trainer.fit().best_epoch == best


def test_time_budget_ends_a_training_without_epochs(tmp_path):
    done = tiny_trainer(tmp_path, recipe(epochs=None, time_budget=1.0)).fit()
    assert done.epoch > 3 and 0.9 <= done.elapsed < 10  # a busy machine may be late, but never early
    assert done.history[-1]["lr"] == pytest.approx(recipe().lr)


def test_an_epoch_that_was_begun_is_measured_even_without_time(tmp_path):
    """Stopped in its first epoch and resumed when the time is over: there must still be weights to keep."""
    trainer = tiny_trainer(tmp_path, recipe(epochs=None, time_budget=0.1, batch_size=4))
    trainer.progress.step, trainer.progress.seen = 1, 4
    trainer.clock.started -= 5
    trainer.save()
    again = tiny_trainer(tmp_path, recipe(epochs=None, time_budget=0.1, batch_size=4))
    again.resume()
    assert again.clock.out_of_time() and not again.is_finished()
    assert again.fit().epoch == 1 and (tmp_path / "checkpoints" / "best" / "state.safetensors").is_file()


def test_resumed_epochs_see_the_same_batches(tmp_path):
    batches = tiny_trainer(tmp_path, recipe(batch_size=5)).batches
    whole = [labels.tolist() for _, labels in batches.epoch(3)]
    rest = [labels.tolist() for _, labels in batches.epoch(3, start=1)]
    assert rest == whole[1:] and sorted(label for batch in whole for label in batch) == sorted([0, 1, 2] * 4)


def test_progress_survives_a_checkpoint(tmp_path):
    trainer = tiny_trainer(tmp_path, recipe(optimizer="adamw", epochs=2))
    done = trainer.fit()
    other = tiny_trainer(tmp_path, recipe(optimizer="adamw", epochs=2))
    other.resume()
    assert isinstance(other.progress, Progress) and other.progress == done
    assert other.is_finished()


def test_precision_and_device_are_chosen_or_refused():
    assert choose_runtime("cpu", "float32", "contiguous") == Runtime(CPU, "float32", "contiguous")
    with pytest.raises(cs.UsageError, match="unknown device 'tpu9'"):
        choose_runtime("tpu9")
    with pytest.raises(cs.UsageError, match="unknown precision 'int4'"):
        choose_runtime("cpu", "int4")
    if not torch.cuda.is_available():
        with pytest.raises(cs.DeviceError, match="has no CUDA; use --device cpu"):
            choose_runtime("cuda")


def test_bf16_trains_like_float32():
    losses = {}
    for precision in ("bf16", "float32"):
        network = Runtime(CPU, precision).to_device(tiny_network())
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
        batches = Batches(tiny_data(), Preprocess((1, 6, 6)), 12, 0, CPU)
        for epoch in range(20):
            for images, labels in batches.epoch(epoch):
                with Runtime(CPU, precision).autocast():
                    loss = F.cross_entropy(network(images).float(), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        losses[precision] = float(loss.detach())
        assert all(p.dtype == torch.float32 for p in network.parameters())
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=0.05)
