"""What people write: playbooks, policy, systems, sources, working hours and linked accounts."""

from knowledge.library.library import PACKAGED, Library, load
from knowledge.library.playbooks import read_playbook

__all__ = ["PACKAGED", "Library", "load", "read_playbook"]
