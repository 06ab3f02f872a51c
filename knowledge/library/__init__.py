"""The files that people write: playbooks, policy, systems, sources and more."""

from knowledge.library.library import FileLibrary, load
from knowledge.library.playbook_files import PACKAGED, copy_library, list_playbook_files
from knowledge.library.playbooks import read_playbook

__all__ = [
    "PACKAGED",
    "FileLibrary",
    "copy_library",
    "list_playbook_files",
    "load",
    "read_playbook",
]
