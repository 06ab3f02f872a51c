"""Numbers for how the code reads, with a bound each.

``python -m tests.measures [paths] [--json] [--worst N] [--strict]`` reads source files;
``python -m tests.measures calls`` counts calls on the two ways that matter most, and
``python -m tests.measures coverage`` lays out what ``make coverage`` collected.
radon and lizard count complexity and lines but no names and no sentences, and ruff's rules find
single lines but compute no shares or percentiles, so this is the standard library's ``ast``.
"""
