"""Attacks on the running product: ``python -m tests.attack`` tries to break each of its promises and counts what broke."""
