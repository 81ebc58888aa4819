"""Read data sets: class folders, zip files, tables, IDX, CIFAR, the Hugging Face hub and published sets by name."""
