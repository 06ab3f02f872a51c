"""Harbour & Vine, a small group of restaurants with a wholesale arm: the sample company, its people, its past and its story."""
