"""A module for each thing measured, with a function ``measure`` that gives rows; its docstring is its description."""
