"""The rules: what a case is, how it may move, what policy says of a plan. Pure: no I/O, no clock, no Slack."""
