"""Teams: the workspaces that the emulator serves."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.emulator.control.envelopes import Envelopes, TrafficLog
from bot.emulator.faults import Faults
from bot.emulator.rates import Rates
from bot.emulator.request_url import AppAddress, RequestUrl
from bot.emulator.socket_mode import AppConnections
from bot.emulator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One workspace with its faults, and its way to the app."""

    workspace: Workspace
    faults: Faults
    traffic: TrafficLog
    #: Socket Mode; without a connection where the app has a request URL.
    connections: AppConnections
    envelopes: Envelopes
    rates: Rates


class Teams:
    """All workspaces; a token without a team's id is the first's."""

    def __init__(self, teams: Sequence[Team]) -> None:
        self.first, *self.others = teams

    def of_token(self, token: str) -> Team:
        """Return the team of this token: ``xoxb-T0SECOND-…``."""
        team_id = token.removeprefix("xoxb-").partition("-")[0]
        return self.find(team_id) or self.first

    def find(self, team_id: str) -> Team | None:
        """Return the team with this id, or None."""
        for team in (self.first, *self.others):
            if team.workspace.team["id"] == team_id:
                return team
        return None


def build_team(host: str, address: AppAddress | None) -> Team:
    """Build a team, empty until it is seeded."""
    workspace = Workspace()
    workspace.host = host
    faults = Faults()
    traffic = TrafficLog()
    connections = AppConnections(workspace.app.id)
    envelopes = Envelopes(
        workspace=workspace,
        connections=connections if address is None else RequestUrl(address),
        faults=faults,
        traffic=traffic,
    )
    return Team(
        workspace=workspace,
        faults=faults,
        traffic=traffic,
        connections=connections,
        envelopes=envelopes,
        rates=Rates(workspace.now),
    )
