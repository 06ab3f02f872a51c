"""Outside systems: evidence in, actions out.

A connector does only what its YAML names, with typed parameters. ``registry`` lists them all.
"""
