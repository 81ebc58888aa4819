"""Claims of the tutorials and papers as plans of `convscope compare`, and the results of those that were run."""
