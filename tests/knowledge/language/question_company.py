"""The names that the people of Harbour & Vine may use, and values for placeholders."""

from bot.views.query import KnownName, NameType

PEOPLE = {
    "U0ANA": "Ana Duarte",
    "U0BEN": "Ben Okafor",
    "U0CARLA": "Carla Ricci",
    "U0DEV": "Dev Patel",
    "U0ELSIE": "Elsie Grant",
    "U0FINN": "Finn Walsh",
    "U0GUS": "Gus Ferrer",
    "U0OMAR": "Omar Haddad",
}
GROUPS = ("floor-managers", "ops-leads", "finance", "sales-leads", "owners")
CHANNELS = ("floor", "stock", "sales", "operations")
KINDS = {
    "booking_no_cover": "Booking with a special request and nobody on the rota for it",
    "invoice_no_order": "Invoice that matches no order",
    "lead_cold": "Warm lead without follow-up for 48 hours",
    "low_stock": "High-margin product running low before a peak",
    "renewal_due": "Supplier renewal about to roll over at a higher cost",
    "service_alert": "Alert from the monitoring of our own systems",
    "service_note_open": "Service note that nobody closed",
    "shipment_mismatch": "Shipment on which two systems disagree",
    "task_no_evidence": "Task marked complete without evidence",
    "unrecognised": "Something that fits no playbook",
}
ACTIONS = {
    "house.order_stock": "Order stock",
    "house.hold_invoice": "Hold invoice",
    "house.give_notice": "Give notice",
    "house.assign_cover": "Assign cover",
}
SOURCES = ("house", "alertmanager")
TEXTS = (
    "Marlow & Sons",
    "Kestrel Events",
    "Brightside Hotels",
    "Cellar Direct",
    "Dockside Fish",
    "Barolo 2017",
    "Merlot Reserve 2018",
    "Linen service",
    "Coffee machines",
    "Quayside",
    "Harbour Street",
    "The Vine Room",
    "INV-2031",
    "Mina Roth",
    "Dev Patel",
    "Otis Price",
    "Evening fridge temperatures",
    "Till count",
)
#: The case of each placeholder, and what it names.
PLACEHOLDERS = {
    "{case}": "EX-12",
    "{case2}": "EX-15",
    "{number}": "12",
    "{customer}": "Brightside Hotels",
    "{product}": "Barolo 2017",
    "{wine}": "merlot reserve",
    "{supplier}": "Cellar Direct",
    "{service}": "Linen service",
    "{invoice}": "INV-2031",
    "{venue}": "Harbour Street",
    "{contact}": "Mina Roth",
    "{person}": "Ben",
    "{amount}": "640",
}


def known_names() -> tuple[KnownName, ...]:
    """Return all names of the company."""
    names = [KnownName(NameType.PERSON, name, account) for account, name in PEOPLE.items()]
    names += [KnownName(NameType.GROUP, group, group) for group in GROUPS]
    names += [KnownName(NameType.CHANNEL, channel, channel) for channel in CHANNELS]
    names += [KnownName(NameType.KIND, title, kind) for kind, title in KINDS.items()]
    names += [KnownName(NameType.ACTION, title, action) for action, title in ACTIONS.items()]
    names += [KnownName(NameType.SOURCE, source, source) for source in SOURCES]
    names += [KnownName(NameType.TEXT, text, text) for text in TEXTS]
    return tuple(names)
