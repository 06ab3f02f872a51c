"""The people of Harbour & Vine, for the emulator to be seeded."""

from typing import Any

TEAM = "T0HARBOUR"
ANA = "U0ANA"
BEN = "U0BEN"
CARLA = "U0CARLA"
DEV = "U0DEV"
ELSIE = "U0ELSIE"
FINN = "U0FINN"
GUS = "U0GUS"
OMAR = "U0OMAR"
STAFF = [ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR]
FLOOR = "C0FLOOR"
STOCK = "C0STOCK"
SALES = "C0SALES"
OPS = "C0OPS"


def _user(user_id: str, name: str, title: str, **extra: Any) -> dict[str, Any]:
    return {
        "id": user_id,
        "name": name.split()[0].lower(),
        "real_name": name,
        "profile": {"real_name": name, "title": title},
        "tz": "Europe/London",
        **extra,
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
        _user(
            GUS,
            "Gus Ferrer",
            "guest contractor",
            is_restricted=True,
        ),
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
    """Return the user as the rules name people: with their team."""
    return f"{TEAM}/{user_id}"
