"""What an auditor gets: signed checkpoints, the exported ledger, and a verifier that needs no app."""
