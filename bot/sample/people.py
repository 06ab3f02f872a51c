"""The people of Harbour & Vine, as the emulator is seeded with them: users, groups, channels. The team is T0HARBOUR."""

from typing import Any

TEAM = "T0HARBOUR"
ANA, BEN, CARLA, DEV, ELSIE, FINN, GUS, OMAR = (
    "U0ANA",
    "U0BEN",
    "U0CARLA",
    "U0DEV",
    "U0ELSIE",
    "U0FINN",
    "U0GUS",
    "U0OMAR",
)
FLOOR, STOCK, SALES, OPS = "C0FLOOR", "C0STOCK", "C0SALES", "C0OPS"
STAFF = [ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR]


def _user(user_id: str, name: str, title: str, **more: Any) -> dict[str, Any]:
    handle = name.split()[0].lower()
    return {
        "id": user_id,
        "name": handle,
        "real_name": name,
        "profile": {"real_name": name, "title": title},
        "tz": "Europe/London",
        **more,
    }


def _group(group_id: str, handle: str, users: list[str]) -> dict[str, Any]:
    return {
        "id": group_id,
        "handle": handle,
        "name": handle.replace("-", " ").title(),
        "users": users,
    }


WORKSPACE: dict[str, Any] = {
    "team": {"id": TEAM, "name": "Harbour & Vine", "domain": "harbour-vine"},
    "users": [
        _user(ANA, "Ana Duarte", "floor manager"),
        _user(BEN, "Ben Okafor", "operations lead"),
        _user(CARLA, "Carla Ricci", "finance"),
        _user(DEV, "Dev Patel", "sales lead"),
        _user(ELSIE, "Elsie Grant", "owner"),
        _user(FINN, "Finn Walsh", "sommelier"),
        _user(GUS, "Gus Ferrer", "guest contractor", is_restricted=True),
        _user(OMAR, "Omar Haddad", "floor manager"),
    ],
    "groups": [
        _group("S0FLOOR", "floor-managers", [ANA, OMAR, GUS]),
        _group("S0OPS", "ops-leads", [BEN, ELSIE]),
        _group("S0FIN", "finance", [CARLA]),
        _group("S0SALES", "sales-leads", [DEV]),
        _group("S0OWN", "owners", [ELSIE]),
    ],
    "channels": [
        {"id": FLOOR, "name": "floor", "members": [*STAFF, GUS]},
        {"id": STOCK, "name": "stock", "members": STAFF},
        {"id": SALES, "name": "sales", "members": STAFF},
        {"id": OPS, "name": "operations", "members": STAFF},
    ],
}


def principal(user_id: str) -> str:
    """The person as the rules name them."""
    return f"{TEAM}/{user_id}"
