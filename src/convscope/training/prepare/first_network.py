"""Build the network of a training with its first weights: drawn at random, public, from a file or from a run."""

from __future__ import annotations

from torch import nn

from ...models import create_model
from ...weights_file import fit_weights
from ..checkpoint import has_checkpoint
from ..context import TrainingContext
from .prepare_data import PreparedData


def first_network(context: TrainingContext, prepared: PreparedData) -> nn.Module:
    """Return the network with the weights that the recipe asks for, and show what was not as usual about a file's."""
    recipe = context.recipe
    network = create_model(
        context.network, pretrained=recipe.pretrained, weights_dir=recipe.weights_dir, **prepared.model_args
    )
    if prepared.earlier is not None:
        prepared.earlier.copy_weights(network, prepared.data.class_names)
    if recipe.weights and not has_checkpoint(context.folder.last):
        preprocess = prepared.preprocess
        notes = fit_weights(network, recipe.weights, recipe.model, preprocess.input_size).notes
        for line in (*notes, preprocess.scaling):
            context.display.show_line(line)
    return network
