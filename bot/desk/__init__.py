"""Everything that may be asked of the bot. Each use case has one rhythm: read, judge, write once, return."""
