"""The workspace's people, groups and channels, set from outside."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.emulator.control.arguments import read_arguments, with_sentences
from bot.emulator.payloads import channel_payload
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Channel, Workspace


class Seed:
    """Fills and changes the workspace, as its administrators do."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("/_ctl/seed", with_sentences(self.seed), methods=["POST"]),
            Route("/_ctl/user", with_sentences(self.change_user), methods=["POST"]),
            Route("/_ctl/group", with_sentences(self.change_group), methods=["POST"]),
            Route("/_ctl/channel", with_sentences(self.change_channel), methods=["POST"]),
        ]

    async def seed(self, request: Request) -> Response:
        """Add team, users, groups, channels and manifest. Everything else stays."""
        seed(self.workspace, await read_arguments(request, "seed"))
        counts = {
            "users": len(self.workspace.users),
            "channels": len(self.workspace.channels),
        }
        return JSONResponse(counts)

    async def change_user(self, request: Request) -> Response:
        """Change some fields of a person."""
        body = await read_arguments(request, "user")
        user = self.workspace.user(body["id"])
        user.update(body)
        self.workspace.notify()
        return JSONResponse(user)

    async def change_group(self, request: Request) -> Response:
        """Change the members of a user group."""
        body = await read_arguments(request, "group")
        group = self.workspace.groups.get(body["id"])
        if group is None:
            raise ApiError("no_such_subteam")
        group["users"] = body["users"]
        self.workspace.notify()
        return JSONResponse(group)

    async def change_channel(self, request: Request) -> Response:
        """Archive a channel, share it with another workspace, or change its members."""
        body = await read_arguments(request, "channel")
        channel = self.workspace.channels.get(body["id"])
        if channel is None:
            raise ApiError("channel_not_found")
        channel.is_archived = body.get("is_archived", channel.is_archived)
        channel.is_shared = body.get("is_shared", channel.is_shared)
        if "members" in body:
            channel.members = {*body["members"], self.workspace.app.bot_user}
        self.workspace.notify()
        return JSONResponse(channel_payload(self.workspace, channel))


def seed(workspace: Workspace, body: Json) -> None:
    """Add team, users, groups, channels and manifest to what is there."""
    workspace.team.update(body.get("team", {}))
    for user in body.get("users", []):
        workspace.add_user(user)
    # The app was there before the team had its id.
    workspace.user(workspace.app.bot_user)["team_id"] = workspace.team["id"]
    for group in body.get("groups", []):
        workspace.groups[group["id"]] = {
            **group,
            "is_usergroup": True,
        }
    for channel in body.get("channels", []):
        workspace.add_channel(_parse_channel(channel))
    if "manifest" in body:
        workspace.install(body["manifest"])
    workspace.notify()


def _parse_channel(channel: Json) -> Channel:
    return Channel(
        id=channel["id"],
        name=channel["name"],
        members=set(channel["members"]),
        is_private=channel.get("is_private", False),
        is_shared=channel.get("is_shared", False),
    )
