"""The files that people write: playbooks, policy, systems, sources and more."""

from knowledge.library.library import PACKAGED, FileLibrary, load
from knowledge.library.playbooks import read_playbook

__all__ = ["PACKAGED", "FileLibrary", "load", "read_playbook"]
