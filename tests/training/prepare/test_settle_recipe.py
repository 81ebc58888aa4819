"""Settling the recipe: what is chosen by the kind and the number of the images, where the user gave nothing."""

from __future__ import annotations

from importlib.resources import files

import pytest

import convscope as cs
from convscope.data.augment import parse_augment
from convscope.data.default_augment import AUGMENT
from convscope.training.prepare.settle_recipe import (
    BY_KIND,
    TRANSFER,
    default_recipe_name,
    find_recipe,
    limit_batch_size,
)
from convscope.training.recipe.recipe import shipped_recipes

KINDS = tuple(AUGMENT)


@pytest.mark.parametrize("name", BY_KIND)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_has_its_recipe(name, kind):
    recipe = cs.Recipe.load(name, kind)
    assert recipe.model in cs.list_models() and recipe.epochs is None and recipe.time_budget is None
    assert parse_augment(recipe.augment) is not None
    assert cs.Recipe.load(name, kind) == cs.Recipe.from_yaml(recipe.to_yaml())


def test_the_arguments_of_a_network_go_with_it():
    best = cs.Recipe.load("best", "photos")
    assert best.model_args and cs.create_model(best.model, **best.model_args)
    assert best.changed(model="resnet18").model_args == {}
    assert best.changed(model="resnet18", model_args={"zero_init_residual": True}).model_args != {}
    assert best.changed(model=best.model, lr=0.1).model_args == best.model_args


def test_the_shipped_recipes_are_those_that_are_documented():
    assert shipped_recipes() == ["best", "fast", "imagenet", "transfer", "tutorial"]
    folders = [entry.name for entry in (files("convscope.training.recipe") / "shipped").iterdir() if entry.is_dir()]
    assert sorted(folders) == sorted(BY_KIND)


def test_a_recipe_that_depends_on_the_data_says_so():
    with pytest.raises(cs.UsageError, match="depends on the kind of data: digits or few-photos or photos"):
        cs.Recipe.load("fast")
    assert find_recipe("fast") == find_recipe(None) == cs.Recipe()
    data = cs.load_data("digits")
    assert find_recipe("fast", data).model == "mnist_fast"
    assert find_recipe("tutorial").model == "mnist_cnn"


@pytest.mark.parametrize(("images", "batch"), [(20, 16), (400, 25), (3000, 128), (60_000, 128)])
def test_few_images_come_in_small_batches(images, batch):
    assert limit_batch_size(cs.Recipe(batch_size=128), images).batch_size == batch


@pytest.mark.parametrize(("images", "epochs"), [(100, 100), (55_000, 10), (50_000_000, 4)])
def test_few_images_are_seen_more_often(images, epochs):
    assert cs.Recipe().with_epochs_for(images).epochs == epochs
    assert cs.Recipe(epochs=3).with_epochs_for(images).epochs == 3
    assert cs.Recipe(time_budget=3).with_epochs_for(images).epochs is None


def test_nothing_said_is_the_fast_recipe(tmp_path):
    run = cs.train("digits", epochs=1, output=tmp_path, show=False)
    recipe = run.metrics["recipe"]
    assert (recipe["model"], recipe["augment"], recipe["batch_size"]) == ("mnist_fast", "shift=1", 78)
    given = cs.train("digits", epochs=1, batch_size=100, lr=0.002, output=tmp_path, show=False).metrics["recipe"]
    assert (given["model"], given["batch_size"], given["lr"]) == ("mnist_fast", 100, 0.002)


def test_a_folder_of_photos_needs_nothing_said(tmp_path, squares):
    run = cs.train(squares, epochs=3, output=tmp_path, show=False)
    assert run.metrics["model"] == "cifar_fast" and run.metrics["recipe"]["progressive"]


def test_a_model_alone_has_the_plain_recipe(tmp_path):
    recipe = cs.train("digits", "softmax_regression", epochs=1, output=tmp_path, show=False).metrics["recipe"]
    assert (recipe["optimizer"], recipe["lr"], recipe["batch_size"]) == ("adamw", 0.003, 64)


def test_weights_to_start_from_have_a_recipe_of_their_own():
    assert (
        default_recipe_name({"pretrained": True, "model": "resnet50"})
        == default_recipe_name({"from_run": "last"})
        == TRANSFER
    )
    assert default_recipe_name({"model": "resnet50", "weights": "w.pth"}) == TRANSFER
    assert default_recipe_name({"model": "resnet50", "pretrained": False}) is None and default_recipe_name({}) == "fast"
    recipe = find_recipe(TRANSFER)
    assert recipe.body_lr_factor < 1 and recipe.label_smoothing == 0.1 and recipe.model == "resnet18"
