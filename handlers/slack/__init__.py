"""Slack: listeners, one file per thing on screen; ``chat`` is the only sender."""
