"""Programs outside: they ask for approvals, raise cases and are told of decisions."""
