"""From a recipe to a trained classifier. The names are not imported here, so that the command line starts quickly."""
