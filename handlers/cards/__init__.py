"""Cards: pure functions from a case to Block Kit. Text from outside is never read as markup."""
