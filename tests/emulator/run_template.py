"""Run one of Bolt's starter templates as it is, but for the address of its API.

``python run_template.py FOLDER``, with ``SLACK_API_URL`` in the environment.
"""

import os
import runpy
import sys
import types
from pathlib import Path

from slack_sdk.web.base_client import BaseClient


class EchoModel:
    """A stand-in for the provider of the assistant's template: it says what it is told."""

    def __init__(self, **options):
        self.chat = types.SimpleNamespace(completions=self)

    def create(self, messages, **options):
        message = types.SimpleNamespace(content=f"Echo: {messages[-1]['content']}")
        return types.SimpleNamespace(choices=[types.SimpleNamespace(message=message)])


def main():
    folder = Path(sys.argv[1])
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    original = BaseClient.__init__

    def with_address(self, token=None, base_url="", **options):
        original(self, token, os.environ["SLACK_API_URL"], **options)

    BaseClient.__init__ = with_address
    sys.modules.setdefault("openai", types.SimpleNamespace(OpenAI=EchoModel))
    runpy.run_path("app.py", run_name="__main__")


if __name__ == "__main__":
    main()
