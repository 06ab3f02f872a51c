"""Benchmarks: ``make bench``. Medians of several runs, beside a bare floor measured in the same run. No test asserts on them."""
