"""A Web API client that records calls, and refuses some."""

from types import SimpleNamespace

from slack_sdk.errors import SlackApiError

IDENTITY = {"ok": True, "url": "https://example.slack.com/", "bot_id": "B1", "team_id": "T1"}


class FakeWebClient:
    def __init__(self):
        self.calls = []
        # Slack's answers by method, and the errors that come before them.
        self.answers = {"auth.test": IDENTITY, "usergroups.list": {"usergroups": []}}
        self.errors = {}

    def api_call(self, method, *, json=None, params=None):
        self.calls.append((method, json or params))
        errors = self.errors.get(method, [])
        if errors:
            raise SlackApiError("refused", response(errors.pop(0)))
        return SimpleNamespace(data=self.answers.get(method, {"ts": f"{len(self.calls)}.0"}))

    def conversations_open(self, *, users):
        return SimpleNamespace(data={"channel": {"id": f"D{users}"}})

    def arguments_of(self, method):
        """Return the arguments of every call of a method."""
        return [arguments for name, arguments in self.calls if name == method]


def response(error, status=200, headers=None):
    """Build an answer of Slack's that refuses."""
    data = error
    if isinstance(error, str):
        data = {"ok": False, "error": error}
    return SimpleNamespace(status_code=status, headers=headers or {}, data=data)
