"""Harbour & Vine, the sample company: restaurants with a wholesale arm."""
