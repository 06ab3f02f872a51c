"""The HTTP intake: authenticate, parse, commit, and only then answer."""
