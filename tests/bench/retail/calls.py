"""Recorded write calls as requests to the desk, and wrong ones that a seeded rule makes of them."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.cases.canonical import Scalar
from bot.cases.signal import Signal
from tests.bench.retail.shop import Json, Records

KINDS = {
    "cancel_pending_order": "cancel_request",
    "return_delivered_order_items": "return_request",
    "exchange_delivered_order_items": "exchange_request",
    "modify_pending_order_items": "item_change_request",
    "modify_pending_order_payment": "payment_change_request",
    "modify_pending_order_address": "address_change_request",
    "modify_user_address": "user_address_request",
}
#: The fields of an address that are replaced together.
ADDRESS = ("address1", "address2", "city", "state", "zip")
REASONS = ("no longer needed", "ordered by mistake")
MAX_TRIES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a customer, with the change that it should make."""

    name: str
    user_id: str
    arguments: Mapping[str, Json]
    #: The customer's own words, which say what is right.
    words: str
    write: Mapping[str, Json]

    @property
    def is_right(self) -> bool:
        """Tell whether the shop took it."""
        return self.write["error"] is None

    @property
    def order_id(self) -> str:
        """Return the order that it is about; empty for an account."""
        return str(self.arguments.get("order_id", ""))

    @property
    def subject(self) -> str:
        """Say what it is about."""
        return f"order {self.order_id}" if self.order_id else f"account {self.user_id}"

    def signal(self, key: str) -> Signal:
        """Return the request as it is sent."""
        facts: dict[str, Scalar] = {"user_id": self.user_id, "words": self.words}
        for name, value in self.arguments.items():
            facts[name] = json.dumps(value) if isinstance(value, list) else value
        return Signal(
            source="api",
            key=key,
            kind=KINDS[self.name],
            subject=key,
            title=f"A customer's request about {self.subject}",
            occurred_at=None,
            facts=facts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A wrong call, what is wrong with it, and what of it a card has to show."""

    name: str
    call: Call
    #: The wrong values, as texts.
    values: tuple[str, ...]


def task_calls(records: Records) -> list[list[Call]]:
    """Return the calls of each task in their order."""
    tasks = {(task["split"], task["idx"]): task for task in records.tasks}
    by_task: dict[tuple[str, int], list[Call]] = {}
    for write in sorted(records.writes, key=lambda write: write["step"]):
        if write["name"] not in KINDS:
            continue
        place = write["split"], write["idx"]
        task = tasks[place]
        call = Call(
            name=write["name"],
            user_id=task["user_id"],
            arguments=_arguments(write["kwargs"]),
            words=task["instruction"],
            write=write,
        )
        by_task.setdefault(place, []).append(call)
    return list(by_task.values())


def other_calls(records: Records) -> int:
    """Count the calls of tools that this shop does not have."""
    return sum(write["name"] not in KINDS for write in records.writes)


def _arguments(values: Mapping[str, Json]) -> dict[str, Json]:
    """Tell the account that a call is about from the customer who asks."""
    arguments = dict(values)
    if "user_id" in arguments:
        arguments["account_id"] = arguments.pop("user_id")
    return arguments


def with_amounts(call: Call, records: Records, order: Json) -> Call:
    """Add the amount that a caller states, by the records: ``order`` is as it is before the call."""
    arguments = dict(call.arguments)
    match call.name:
        case "cancel_pending_order" | "modify_pending_order_payment":
            arguments["amount"] = round(sum(one["amount"] for one in order["payment_history"]), 2)
        case "return_delivered_order_items":
            arguments["amount"] = _worth(order, arguments["item_ids"])
        case "exchange_delivered_order_items" | "modify_pending_order_items":
            prices = _prices(records)
            new = sum(prices.get(item, 0.0) for item in arguments["new_item_ids"])
            arguments["difference"] = round(new - _worth(order, arguments["item_ids"]), 2)
        case "modify_pending_order_address" | "modify_user_address":
            pass
    return replace(call, arguments=arguments)


def _worth(order: Json, item_ids: Sequence[str]) -> float:
    prices = {item["item_id"]: item["price"] for item in order["items"]}
    return round(sum(prices.get(item, 0.0) for item in item_ids), 2)


def _prices(records: Records) -> dict[str, float]:
    return {
        item_id: variant["price"]
        for product in records.products.values()
        for item_id, variant in product["variants"].items()
    }


class Mutator:
    """Makes wrong calls of right ones.

    Whoever sends them knows the records: amounts are made to fit, so that no sum gives them away.
    """

    def __init__(self, records: Records, seed: int) -> None:
        self._records = records
        self._dice = random.Random(seed)
        self._rules: Mapping[str, Callable[[Call], Call | None]] = {
            "another order of the customer": self._another_order,
            "another customer's order": self._foreign_order,
            "in another customer's name": self._another_user,
            "another amount": self._another_amount,
            "another payment method of theirs": self._another_method,
            "another customer's payment method": self._foreign_method,
            "an extra item": self._extra_item,
            "another new item": self._another_item,
            "another address": self._another_address,
            "another reason": self._another_reason,
        }

    def mutations(self, calls: Sequence[Call], count: int) -> Iterator[Mutation]:
        """Yield so many mutations of these calls, each class as often as the others.

        A class that none of the calls has yields none.
        """
        names = list(self._rules)
        for number in range(count):
            name = names[number % len(names)]
            for _ in range(MAX_TRIES):
                call = self._dice.choice(calls)
                wrong = self._rules[name](call)
                if wrong is not None:
                    yield Mutation(name=name, call=wrong, values=_wrong_values(call, wrong))
                    break

    def _change(self, call: Call, **arguments: Any) -> Call:
        return replace(call, arguments={**call.arguments, **arguments})

    def _refit(self, call: Call) -> Call:
        """State the amount that fits the changed call."""
        order = self._records.orders[call.arguments["order_id"]]
        return with_amounts(call, self._records, order)

    def _another_order(self, call: Call) -> Call | None:
        if not call.order_id:
            return None
        orders = self._records.users[call.user_id]["orders"]
        return self._at_order(call, [one for one in orders if one in self._records.orders])

    def _foreign_order(self, call: Call) -> Call | None:
        if not call.order_id:
            return None
        own = self._records.orders[call.order_id]
        orders = [
            order_id
            for order_id, order in self._records.orders.items()
            if order["user_id"] != call.user_id and order["status"] == own["status"]
        ]
        return self._at_order(call, orders)

    def _at_order(self, call: Call, orders: Sequence[str]) -> Call | None:
        others = [order_id for order_id in orders if order_id != call.arguments["order_id"]]
        if not others:
            return None
        order_id = self._dice.choice(others)
        changes: dict[str, Json] = {"order_id": order_id}
        if "item_ids" in call.arguments:
            items = self._records.orders[order_id]["items"]
            chosen = self._dice.choice(items)
            changes["item_ids"] = [chosen["item_id"]]
            if "new_item_ids" in call.arguments:
                changes["new_item_ids"] = [self._variant(chosen["product_id"])]
        return self._refit(self._change(call, **changes))

    def _another_user(self, call: Call) -> Call | None:
        users = [user for user in self._records.users if user != call.user_id]
        return replace(call, user_id=self._dice.choice(users))

    def _another_amount(self, call: Call) -> Call | None:
        for name in ("amount", "difference"):
            if name in call.arguments:
                change = round(self._dice.uniform(0.01, 500), 2)
                return self._change(call, **{name: round(call.arguments[name] + change, 2)})
        return None

    def _another_method(self, call: Call) -> Call | None:
        methods = self._records.users[call.user_id]["payment_methods"]
        return self._by_method(call, list(methods))

    def _foreign_method(self, call: Call) -> Call | None:
        user = self._dice.choice(list(self._records.users))
        if user == call.user_id:
            return None
        return self._by_method(call, list(self._records.users[user]["payment_methods"]))

    def _by_method(self, call: Call, methods: Sequence[str]) -> Call | None:
        present = call.arguments.get("payment_method_id")
        others = [method for method in methods if method != present]
        if present is None or not others:
            return None
        return self._change(call, payment_method_id=self._dice.choice(others))

    def _extra_item(self, call: Call) -> Call | None:
        if "item_ids" not in call.arguments:
            return None
        order = self._records.orders[call.arguments["order_id"]]
        rest = [
            item for item in order["items"] if item["item_id"] not in call.arguments["item_ids"]
        ]
        if not rest:
            return None
        extra = self._dice.choice(rest)
        changes = {"item_ids": [*call.arguments["item_ids"], extra["item_id"]]}
        if "new_item_ids" in call.arguments:
            variant = self._variant(extra["product_id"])
            changes["new_item_ids"] = [*call.arguments["new_item_ids"], variant]
        return self._refit(self._change(call, **changes))

    def _another_item(self, call: Call) -> Call | None:
        if "new_item_ids" not in call.arguments:
            return None
        items = list(call.arguments["new_item_ids"])
        order = self._records.orders[call.arguments["order_id"]]
        products = {item["item_id"]: item["product_id"] for item in order["items"]}
        place = self._dice.randrange(len(items))
        items[place] = self._variant(products[call.arguments["item_ids"][place]])
        if items == call.arguments["new_item_ids"]:
            return None
        return self._refit(self._change(call, new_item_ids=items))

    def _variant(self, product_id: str) -> str:
        variants = self._records.products[product_id]["variants"]
        available = [name for name, variant in variants.items() if variant["available"]]
        return self._dice.choice(available or list(variants))

    def _another_address(self, call: Call) -> Call | None:
        if "address1" not in call.arguments:
            return None
        user = self._dice.choice(list(self._records.users.values()))
        address = {name: user["address"][name] for name in ADDRESS}
        wrong = self._change(call, **address)
        return wrong if wrong != call else None

    def _another_reason(self, call: Call) -> Call | None:
        if "reason" not in call.arguments:
            return None
        others = [*REASONS, "found it cheaper", "because I say so"]
        reason = self._dice.choice([one for one in others if one != call.arguments["reason"]])
        return self._change(call, reason=reason)


def _wrong_values(right: Call, wrong: Call) -> tuple[str, ...]:
    values = []
    if wrong.user_id != right.user_id:
        values.append(wrong.user_id)
    for name, value in wrong.arguments.items():
        before = right.arguments[name]
        if isinstance(value, list):
            values += [item for item in value if item not in before]
        elif value != before and name not in {"amount", "difference"}:
            values.append(str(value))
    return tuple(values)
