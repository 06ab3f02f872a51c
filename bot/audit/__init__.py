"""The auditor's tools: signed checkpoints, export, replay, a standalone verifier."""
