"""The door of memory: playbooks and policy as people wrote them, and what to recommend."""
