"""The doors of programs outside."""
