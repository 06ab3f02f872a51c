"""The HTTP door: who speaks is settled first, then what they say is parsed into signals, and only a commit is answered with 2xx."""
