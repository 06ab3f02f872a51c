"""A chat model that says what its script says, and is bound to any tools."""

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage


class ScriptedModel(GenericFakeChatModel):
    """It ignores what it is told, except that ``heard`` keeps it."""

    heard: list = []

    def bind_tools(self, tools, **options):
        return self

    def _generate(self, messages, *arguments, **options):
        self.heard.append(list(messages))
        return super()._generate(messages, *arguments, **options)


def scripted_model(*messages):
    """Build one that says these: texts, or lists of calls as ``(name, arguments)``."""
    return ScriptedModel(messages=iter([_message(one) for one in messages]), heard=[])


def _message(one):
    if isinstance(one, str):
        return AIMessage(one)
    # As some models do, counted from one in every message.
    calls = [
        {"name": name, "args": arguments, "id": f"call_{number}"}
        for number, (name, arguments) in enumerate(one, 1)
    ]
    return AIMessage("", tool_calls=calls)
