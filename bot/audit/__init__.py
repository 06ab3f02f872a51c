"""What an auditor gets: signed checkpoints, the exported ledger, a verifier that needs no app."""
