"""The installation of the app: page, codes and tokens.

``/oauth/v2/authorize`` asks which team installs the app, and ``oauth.v2.access`` trades the code
for a token, or a refresh token for the next one.
"""

import base64
import html
import itertools
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.emulator.team import Team, Teams
from bot.emulator.wire import ApiError, Json

PAGE = """<!doctype html><meta charset="utf-8"><title>Install</title>
<h1>Install Countersign</h1><p>It asks for: {scopes}</p>{buttons}"""


@dataclass(kw_only=True)
class Client:
    """The credentials of the app."""

    id: str
    secret: str
    #: Seconds until a token ends and must be refreshed; 0 for tokens without an end.
    token_seconds: float = 0.0


@dataclass(kw_only=True)
class OAuth:
    """Installs the app in one team after the other."""

    teams: Teams
    client: Client
    #: The team and the redirect of each code that has not been used.
    _codes: dict[str, tuple[Team, str]] = field(default_factory=dict)
    #: The team of each refresh token that has not been used.
    _refresh_tokens: dict[str, Team] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[Route]:
        """Return the page on which somebody installs the app."""
        return [Route("/oauth/v2/authorize", self.authorize)]

    async def authorize(self, request: Request) -> Response:
        """Show the teams, or redirect with a code for one."""
        query = dict(request.query_params)
        if query.get("client_id") != self.client.id:
            return PlainTextResponse("Invalid client_id parameter", 400)
        team = self.teams.find(query.get("team", ""))
        if team is None:
            return HTMLResponse(self._page(query))
        redirect = query.get("redirect_uri", "")
        if urlsplit(redirect).scheme not in {"http", "https"}:
            return PlainTextResponse("redirect_uri did not match any configured URIs", 400)
        code = f"{team.workspace.team['id']}.{next(self._numbers)}"
        self._codes[code] = (team, redirect)
        answer = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{redirect}?{answer}", 302)

    def _page(self, query: Json) -> str:
        buttons = []
        for team in (self.teams.first, *self.teams.others):
            row = team.workspace.team
            fields = "".join(
                f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
                for name, value in query.items()
            )
            buttons.append(
                f'<form action="/oauth/v2/authorize">{fields}'
                f'<button name="team" value="{row["id"]}">Allow in {html.escape(row["name"])}'
                "</button></form>"
            )
        return PAGE.format(scopes=html.escape(query.get("scope", "")), buttons="".join(buttons))

    def access(self, authorization: str, arguments: Json) -> Json:
        """Trade a code or a refresh token for a bot token."""
        try:
            self._check_client(authorization, arguments)
            if arguments.get("grant_type") == "refresh_token":
                return self._install(self._take_refresh_token(arguments), arguments)
            return self._install(self._take_code(arguments), arguments)
        except ApiError as refusal:
            return {"ok": False, "error": refusal.error}

    def _check_client(self, authorization: str, arguments: Json) -> None:
        client_id = arguments.get("client_id", "")
        secret = arguments.get("client_secret", "")
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client_id, _, secret = pair.partition(":")
        if client_id != self.client.id:
            raise ApiError("invalid_client_id")
        if secret != self.client.secret:
            raise ApiError("bad_client_secret")

    def _take_code(self, arguments: Json) -> Team:
        team, redirect = self._codes.pop(str(arguments.get("code")), (None, ""))
        if team is None:
            raise ApiError("invalid_code")
        if redirect != arguments.get("redirect_uri"):
            raise ApiError("bad_redirect_uri")
        return team

    def _take_refresh_token(self, arguments: Json) -> Team:
        team = self._refresh_tokens.pop(str(arguments.get("refresh_token")), None)
        if team is None:
            raise ApiError("invalid_refresh_token")
        return team

    def _install(self, team: Team, arguments: Json) -> Json:
        workspace = team.workspace
        number = next(self._numbers)
        token = f"xoxb-{workspace.team['id']}-{number}"
        end = workspace.now() + self.client.token_seconds if self.client.token_seconds else None
        app = workspace.app
        app.are_tokens_revoked = False
        app.token_ends[token] = end
        answer: Json = {
            "ok": True,
            "access_token": token,
            "token_type": "bot",
            "scope": ",".join(sorted(app.permissions.scopes)),
            "bot_user_id": app.bot_user,
            "app_id": app.id,
            "team": {"id": workspace.team["id"], "name": workspace.team["name"]},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": next(iter(workspace.users))},
        }
        if end is not None:
            refresh_token = f"xoxe-{workspace.team['id']}-{number}"
            self._refresh_tokens[refresh_token] = team
            answer |= {"refresh_token": refresh_token, "expires_in": int(self.client.token_seconds)}
        return answer
