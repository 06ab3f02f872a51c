"""Cards: a case in, Block Kit out. Pure. What came from outside is never markup here."""
