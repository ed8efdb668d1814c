"""The checks of the core: what a dataset is like, and what the treatment did to it."""
