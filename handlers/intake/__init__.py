"""The HTTP intake: authenticate a source, parse its signals, commit them, then answer."""
