"""Stand-ins that behave, one per port."""
