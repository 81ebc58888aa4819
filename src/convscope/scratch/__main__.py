"""`python -m convscope.scratch`: train the NumPy LeNet."""

from .train import main

if __name__ == "__main__":
    main()
