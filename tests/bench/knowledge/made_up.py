"""Made-up sets in the formats of the real ones, so that the commands can be tried in seconds."""

import csv
import gzip
import itertools
import json
import random
from datetime import datetime, timedelta

from tests.bench.knowledge.tickets import TICKET_FACTS

#: Words that tell a kind, and words that tell nothing.
TELLING_WORDS = {
    "balance": ("balance", "account", "left"),
    "card_lost": ("lost", "card", "stolen"),
    "transfer": ("transfer", "send", "money"),
    "rate": ("exchange", "rate", "currency"),
}

OTHER_WORDS = ("weather", "song", "recipe", "parrot", "holiday", "football")

FILLERS = ("please", "today", "again", "hello", "quickly", "now", "sorry", "thanks", "maybe")

FIRST_DAY = datetime(2023, 5, 31, 12)

RESPONSES = ("Closed with explanation", "Closed with monetary relief")

TICKET_COLUMNS = (
    "number",
    "opened_at",
    *TICKET_FACTS,
    "final_group",
    "closed_code",
    "closed_at",
)

RUNBOOKS = ("KubePodCrashLooping", "etcdNoLeader", "KubeNodeNotReady", "TargetDown", "KubeAPIDown")


def write_sets(folder):
    """Write all sets into a folder."""
    randomness = random.Random(17)
    write_json(folder / "clinc150/data_dev.json.gz", make_intents(randomness))
    write_lines(folder / "banking77/dev.jsonl.gz", make_bank_texts(randomness))
    write_lines(folder / "cfpb_complaints/dev.jsonl.gz", make_complaints(randomness))
    write_tickets(folder / "servicenow_incidents/dev.csv.gz", make_tickets(randomness))
    orders, tasks = make_retail(randomness)
    write_json(folder / "retail_actions/orders.json.gz", orders)
    write_lines(folder / "retail_actions/tasks.jsonl.gz", tasks)
    write_lines(folder / "runbooks/corpus.jsonl.gz", make_runbooks(randomness))


def open_for_writing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return gzip.open(path, "wt", encoding="utf-8", newline="")


def write_json(path, value):
    with open_for_writing(path) as file:
        json.dump(value, file)


def write_lines(path, rows):
    with open_for_writing(path) as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def write_tickets(path, tickets):
    with open_for_writing(path) as file:
        writer = csv.DictWriter(file, TICKET_COLUMNS)
        writer.writeheader()
        writer.writerows(tickets)


def make_text(randomness, words):
    parts = [*randomness.sample(words, 2), *randomness.sample(FILLERS, 3)]
    randomness.shuffle(parts)
    return " ".join(parts)


def make_intents(randomness):
    def texts(count):
        return [
            (make_text(randomness, words), kind)
            for kind, words in TELLING_WORDS.items()
            for _ in range(count)
        ]

    def others(count):
        return [(make_text(randomness, OTHER_WORDS), "oos") for _ in range(count)]

    return {"train": texts(25), "val": texts(6), "oos_train": others(10), "oos_val": others(12)}


def make_bank_texts(randomness):
    splits = {"train": (25, TELLING_WORDS), "valid": (6, TELLING_WORDS)}
    splits["id-oos-valid"] = (8, {"": ("account", "card", "money", *OTHER_WORDS)})
    splits["ood-oos-valid"] = (8, {"": OTHER_WORDS})
    return [
        {"split": split, "text": make_text(randomness, words), "label": kind}
        for split, (count, words_by_kind) in splits.items()
        for kind, words in words_by_kind.items()
        for _ in range(count)
    ]


def make_complaints(randomness):
    """Make 12 days of complaints: the company tells most, a story now and then."""
    rows = []
    for number in range(240):
        company = randomness.choice(("Anvil Bank", "Beacon Loans", "Cedar Credit"))
        is_generous = randomness.random() < (0.9 if company == "Anvil Bank" else 0.1)
        words = TELLING_WORDS["transfer" if is_generous else "balance"]
        rows.append(
            {
                "complaint_id": str(number),
                "date_received": (FIRST_DAY + timedelta(days=number // 20)).isoformat(),
                "complaint_what_happened": make_text(randomness, words) if number % 2 else "",
                "company": company,
                "company_response": RESPONSES[is_generous],
                "company_public_response": None,
                "issue": randomness.choice(("Fees", "Report")),
                "product": randomness.choice(("Card", "Mortgage")),
                "sub_issue": None,
                "sub_product": "General",
                "state": randomness.choice(("CA", "NY", "TX")),
                "submitted_via": "Web",
                "tags": None,
                "consumer_consent_provided": "Consent provided",
                "zip_code": "12345",
                "timely": "Yes",
                "consumer_disputed": "N/A",
                "split": "dev",
            }
        )
    return rows


def make_tickets(randomness):
    tickets = []
    for number in range(400):
        opened_at = FIRST_DAY + timedelta(hours=number)
        category = randomness.randint(1, 4)
        fields = dict.fromkeys(TICKET_COLUMNS, "?")
        fields |= {
            "number": f"{number:07}",
            "opened_at": f"{opened_at:%Y-%m-%d %H:%M:%S}",
            "closed_at": f"{opened_at + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
            "category": str(category),
            "caller_id": str(randomness.randint(1, 40)),
            "first_group": str(randomness.randint(1, 4)),
            "final_group": str(category if randomness.random() < 0.8 else 9),
            "closed_code": str(randomness.randint(1, 3)),
        }
        tickets.append(fields)
    return tickets


def make_retail(randomness):
    actions = (
        ("pending", "cancel_pending_order", "cancel it, no longer needed"),
        ("delivered", "return_delivered_order_items", "return the mug, it is broken"),
        ("pending", "modify_pending_order_items", "change the mug to a blue one"),
        ("delivered", "exchange_delivered_order_items", "swap the mug for a larger one"),
    )
    orders, tasks = {}, []
    for number, (status, action, words) in zip(range(80), itertools.cycle(actions)):
        order_id, user_id = f"#W{number:07}", f"user_{number}"
        item = {"name": "Mug", "item_id": str(number), "price": 5.0, "options": {}}
        orders[order_id] = {
            "order_id": order_id,
            "user_id": user_id,
            "status": status,
            "items": [item],
        }
        instruction = f"You are {randomness.choice(FILLERS)}. About {order_id}: {words}."
        tasks.append(
            {
                "idx": number,
                "user_id": user_id,
                "instruction": instruction,
                "actions": [{"name": action, "write": True, "ok": True, "kwargs": {}}],
                "split": "train" if number < 68 else "test",
            }
        )
    return orders, tasks


def make_runbooks(randomness):
    texts = {
        "KubePodCrashLooping": "A pod keeps restarting again and again.",
        "etcdNoLeader": "The etcd cluster has lost its leader.",
        "KubeNodeNotReady": "A node is not ready.",
        "TargetDown": "Scraping a target fails.",
        "KubeAPIDown": "The api server is not reachable.",
    }
    documents = []
    for name in RUNBOOKS:
        filler = " ".join(make_text(randomness, FILLERS) for _ in range(20))
        text = f"## Meaning\n\n{texts[name]}\n\n## Diagnosis\n\n{filler}"
        documents.append(
            {
                "id": name,
                "path": f"content/runbooks/{name}.md",
                "text": f"# {name}\n\n{text}",
                "text_stripped": text,
            }
        )
    return documents
