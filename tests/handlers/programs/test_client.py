"""The client module, against a server on loopback: asking, waiting, reporting, and every answer that goes wrong."""

import asyncio
import subprocess
import sys
import sysconfig
import threading
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from handlers.programs import client as module
from handlers.programs.client import (
    ActionRefused,
    AlreadyCarriedOut,
    AsyncCountersign,
    Countersign,
    CountersignUnavailable,
    EffectUncertain,
    NotPermitted,
    NotSignedIn,
    ReceiptInvalid,
    RequestConflict,
    RequestInvalid,
    StillPending,
    UnknownId,
    canonical_text,
    needs_approval,
)
from tests.fakes.approval_server import TOKEN, problem

PAY = {"order": "A-17", "amount": 80}


def ask(caller, **options):
    return caller.request("pay_refund", PAY, summary="Refund £80", **options)


def soon(act):
    """Let it happen while the caller waits."""
    timer = threading.Timer(0.2, act)
    timer.start()
    return timer


def test_a_request_waits_for_people_and_says_who_decided(server, caller):
    approval = ask(caller, amount={"value": Decimal("80.00"), "currency": "GBP"}, expires="4h")
    assert (approval.state, approval.is_pending, approval.decision) == ("pending", True, None)
    assert server.only()["amount"] == {"value": "80.00", "currency": "GBP"}
    assert server.only()["expires"] == "4h"
    soon(lambda: server.decide(approval.id, "approved"))
    approval = caller.wait(approval.id)
    assert (approval.state, approval.is_allowed) == ("approved", True)
    assert [person.name for person in approval.decision.by] == ["Ben Okafor"]
    assert caller.report(approval.id, "done", detail="paid").state == "done"
    assert server.only()["report"] == {"outcome": "done", "detail": "paid"}


def test_waiting_ends_in_the_given_time_and_can_go_on(server, caller):
    approval = ask(caller)
    with pytest.raises(StillPending, match="do not act") as pending:
        caller.wait(approval.id, timeout_seconds=0.1)
    assert pending.value.approval.id == approval.id
    server.decide(approval.id, "rejected", reason="already paid")
    assert (
        caller.wait(approval.id, timeout_seconds=5).refusal
        == "Ben Okafor rejected it: already paid"
    )


def test_waiting_outlasts_a_restart_of_the_server(server):
    with Countersign(server.url, TOKEN) as caller:
        approval = ask(caller)
        server.stop()

        def come_back():
            server.start()
            server.decide(approval.id, "approved")

        timer = soon(come_back)
        assert caller.wait(approval.id).state == "approved"
        timer.join()


def test_a_lost_answer_is_asked_for_again_under_the_same_key(server, caller, pauses):
    server.faults.append("lost")
    approval = ask(caller)
    assert approval.id == server.only()["id"]
    assert len(server.requests) == 2
    assert len(pauses) == 1


def test_a_busy_server_says_when_to_come_back(server, caller, pauses):
    server.faults += [problem(429, "too many", **{"Retry-After": "7"}), problem(503, "full")]
    ask(caller)
    assert pauses[0] == 7
    assert 0 < pauses[1] <= 2


def test_a_server_that_stays_away_is_told_with_what_to_do_next(server, caller, pauses):
    server.stop()
    with pytest.raises(CountersignUnavailable, match="Do not act. Try again later with the same"):
        ask(caller)
    assert len(pauses) == module.MAX_ATTEMPTS - 1
    assert pauses == sorted(pauses)
    server.start()


def test_the_same_key_is_the_same_request_and_other_content_a_conflict(server, caller):
    first = ask(caller, idempotency_key="order-17")
    assert ask(caller, idempotency_key="order-17").id == first.id
    with pytest.raises(RequestConflict, match="other content"):
        caller.request("pay_refund", {"amount": 90}, summary="Other", idempotency_key="order-17")
    assert ask(caller).id != ask(caller).id


@pytest.mark.parametrize(
    ("call", "error", "advice"),
    [
        (lambda c: c.request("close_account", {}, summary="x"), NotPermitted, "programs.yml"),
        (lambda c: c.request("pay_refund", {}, summary=""), RequestInvalid, "summary: must not"),
        (
            lambda c: c.request("pay_refund", {"of": object()}, summary="x"),
            RequestInvalid,
            "texts",
        ),
        (lambda c: c.request("pay_refund", {"n": 2**60}, summary="x"), RequestInvalid, "as text"),
        (lambda c: c.approval("EX-404"), UnknownId, "your own program"),
        (lambda c: c.case("EX/404"), UnknownId, "Check the id"),
    ],
)
def test_what_goes_wrong_is_said_with_what_to_do_next(caller, call, error, advice):
    with pytest.raises(error, match=advice):
        call(caller)


def test_a_wrong_token_is_told_and_not_repeated(server):
    with (
        Countersign(server.url, "cs_wrong_token") as caller,
        pytest.raises(NotSignedIn, match="countersign tokens make") as error,
    ):
        ask(caller)
    assert "cs_wrong" not in str(error.value)
    assert len(server.requests) == 1


def test_a_page_that_is_not_countersign_is_told(server, caller):
    server.faults += [httpx_page()]
    with pytest.raises(CountersignUnavailable, match="no JSON object"):
        caller.approval("EX-1")


def httpx_page():
    from starlette.responses import JSONResponse

    return JSONResponse(["hello"])


def test_a_request_can_be_withdrawn_until_it_is_decided(server, caller):
    approval = ask(caller)
    server.faults.append("lost")
    assert caller.cancel(approval.id).state == "cancelled"
    other = ask(caller)
    server.decide(other.id, "approved")
    with pytest.raises(RequestConflict, match="approved already"):
        caller.cancel(other.id)


def test_a_report_that_was_heard_and_not_answered_is_made_once(server, caller):
    approval = ask(caller)
    server.decide(approval.id, "approved")
    server.faults.append("lost")
    assert caller.report(approval.id, "failed", detail="no money").state == "failed"
    with pytest.raises(RequestConflict):
        caller.report(approval.id, "done")


def test_cases_precedents_and_exceptions(server, caller):
    approval = ask(caller)
    page = caller.cases(state="pending", limit=10)
    assert [case["id"] for case in page.cases] == [approval.case]
    assert (page.next, caller.cases(state="rejected").cases) == (None, ())
    assert caller.case(approval.case)["kind"] == "approval"
    assert caller.precedents("refund after a refusal")[0]["text"] == "refund after a refusal"
    raised = caller.raise_exception("low_stock", "product:3", "Cups are low", facts={"left": 2})
    assert (raised.case, raised.outcome) == ("EX-99", "opened")
    (signal,) = server.signals
    assert signal.pop("key")
    assert signal == {
        "kind": "low_stock",
        "subject": "product:3",
        "title": "Cups are low",
        "facts": {"left": 2},
    }


def test_coroutines_do_the_same(server, coroutines):
    async def story():
        approval = await ask(coroutines)
        soon(lambda: server.decide(approval.id, "edited", amount=50))
        approval = await coroutines.wait(approval.id)
        await coroutines.report(approval.id, "done")
        other = await ask(coroutines)
        cancelled = await coroutines.cancel(other.id)
        await coroutines.raise_exception("low_stock", "product:3", "Cups are low")
        return (
            approval.decision.arguments,
            (await coroutines.approval(approval.id)).state,
            cancelled.state,
            [case["state"] for case in (await coroutines.cases()).cases],
            (await coroutines.case(approval.case))["id"],
            len(await coroutines.precedents("refund")),
            list(await coroutines.keys()),
        )

    assert asyncio.run(story()) == (
        {"order": "A-17", "amount": 50},
        "done",
        "cancelled",
        ["done", "cancelled"],
        "EX-1",
        1,
        ["keys"],
    )


def test_obtaining_returns_only_what_may_be_acted_on(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")
    key = {"idempotency_key": "order-17"}
    approval = caller.obtain("pay_refund", PAY, summary="Refund £80", **key)
    caller.report(approval.id, "done", detail="paid at nine")
    with pytest.raises(AlreadyCarriedOut, match=r"recorded as done \(paid at nine\); do not act"):
        caller.obtain("pay_refund", PAY, summary="Refund £80", **key)
    server.on_request = lambda approval: server.decide(approval["id"], "expired")
    with pytest.raises(ActionRefused, match="Nobody decided in time. Do not act"):
        caller.obtain("pay_refund", PAY, summary="Refund £80")


def test_the_same_again_after_a_no_is_refused_with_the_earlier_answer(server, caller):
    server.cools_down = True
    server.on_request = lambda approval: server.decide(
        approval["id"], "rejected", reason="she was paid on Monday"
    )
    assert ask(caller).state == "rejected"
    with pytest.raises(ActionRefused, match="she was paid on Monday. Do not act") as refusal:
        ask(caller)
    assert refusal.value.approval.id == server.only()["id"]


def test_an_action_of_a_connected_system_is_carried_out_by_the_server(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")
    soon(lambda: server.carry_out("EX-1", "failed", "no stock"))
    approval = caller.obtain("house.order_stock", {"product": 3}, summary="Order cups")
    assert (approval.state, approval.execution.detail) == ("failed", "no stock")
    server.on_request = lambda approval: server.decide(approval["id"], "rejected")
    with pytest.raises(ActionRefused):
        caller.obtain("house.order_stock", {"product": 3}, summary="Order cups")
    with pytest.raises(ValueError, match="carries out house.order_stock itself"):
        needs_approval(caller, action="house.order_stock", summary="Order cups")


# --- the decorator --------------------------------------------------------------------------------


def refund(caller, **options):
    calls = []

    @needs_approval(caller, action="pay_refund", summary="Refund {amount} to {customer}", **options)
    def pay(customer: str, amount: int, lines: list[str] | None = None) -> str:
        calls.append((customer, amount, lines))
        return f"paid {amount}"

    return pay, calls


def test_a_function_runs_after_approval_and_is_reported(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")
    pay, calls = refund(caller, amount=lambda given: {"value": given["amount"], "currency": "GBP"})
    assert pay("Mia", amount=80, lines=["cups"]) == "paid 80"
    assert calls == [("Mia", 80, ["cups"])]
    approval = server.only()
    assert approval["summary"] == "Refund 80 to Mia"
    assert approval["arguments"] == {"customer": "Mia", "amount": 80, "lines": '["cups"]'}
    assert approval["amount"] == {"value": "80", "currency": "GBP"}
    assert (approval["state"], pay.__name__) == ("done", "pay")


def test_a_function_runs_with_the_arguments_that_were_approved(server, caller):
    server.on_request = lambda approval: server.decide(
        approval["id"], "edited", amount=50, lines='["cups", "lids"]'
    )
    pay, calls = refund(caller)
    assert pay("Mia", 80, ["cups"]) == "paid 50"
    assert calls == [("Mia", 50, ["cups", "lids"])]


def test_a_function_whose_action_is_rejected_does_not_run(server, caller):
    server.on_request = lambda approval: server.decide(
        approval["id"], "rejected", reason="she was paid on Monday"
    )
    pay, calls = refund(caller)
    with pytest.raises(ActionRefused, match="Ben Okafor rejected it") as refusal:
        pay("Mia", 80)
    assert (refusal.value.reason, calls) == ("she was paid on Monday", [])


def test_a_function_does_not_run_twice_under_one_key(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")
    pay, calls = refund(caller, idempotency_key="refund:{customer}")
    pay("Mia", 80)
    with pytest.raises(AlreadyCarriedOut):
        pay("Mia", 80)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("no such customer"), "failed"),
        (TimeoutError("no answer from the bank"), "unknown"),
        (httpx.ReadTimeout("no answer from the bank"), "unknown"),
        (EffectUncertain("the bank closed the line"), "unknown"),
        (KeyboardInterrupt(), "unknown"),
    ],
)
def test_what_a_function_raises_is_reported_and_raised(server, caller, error, outcome):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")

    @needs_approval(caller, action="pay_refund", summary="Refund")
    def pay() -> None:
        raise error

    with pytest.raises(type(error)):
        pay()
    assert server.only()["state"] == outcome
    assert server.only()["report"]["detail"].startswith(type(error).__name__)


def test_a_report_that_cannot_be_made_hides_no_result(server, caller, caplog):
    server.on_request = lambda approval: server.decide(approval["id"], "approved")

    @needs_approval(caller, action="pay_refund", summary="Refund")
    def pay() -> str:
        server.stop()
        return "paid"

    assert pay() == "paid"
    assert "could not be reported" in caplog.text
    server.start()


def test_arguments_of_another_action_are_not_acted_on(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "edited", sort_code="12")
    pay, calls = refund(caller)
    with pytest.raises(ReceiptInvalid, match="other arguments"):
        pay("Mia", 80)
    assert (calls, server.only()["state"]) == ([], "failed")


def test_a_coroutine_waits_too(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "edited", amount=50)
    hangs = asyncio.Event()

    @needs_approval(caller, action="pay_refund", summary=lambda given: f"Refund {given['amount']}")
    async def pay(amount: int) -> str:
        return f"paid {amount}"

    @needs_approval(caller, action="pay_refund", summary="Refund")
    async def hang(amount: int) -> None:
        hangs.set()
        await asyncio.sleep(60)

    async def story():
        results = await asyncio.gather(pay(80), pay(amount=90))
        task = asyncio.create_task(hang(1))
        await hangs.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return results

    assert asyncio.run(story()) == ["paid 50", "paid 50"]
    assert sorted(one["state"] for one in server.approvals.values()) == ["done", "done", "unknown"]


def test_only_functions_with_named_arguments_can_be_approved(caller, coroutines):
    with pytest.raises(TypeError, match=r"takes \*amounts"):
        needs_approval(caller, action="x", summary="x")(lambda *amounts: None)
    with pytest.raises(TypeError, match="needs a Countersign"):
        needs_approval(coroutines, action="x", summary="x")(lambda amount: None)


# --- arguments as receipts hash them --------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-module.MAX_INTEGER, module.MAX_INTEGER)


@given(
    st.recursive(
        SCALARS | INTEGERS,
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
        max_leaves=4,
    )
)
def test_canonical_json_is_that_of_rfc_8785(value):
    assert canonical_text(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 2**53])
def test_numbers_that_json_does_not_have_are_refused(value):
    with pytest.raises(RequestInvalid, match="pass it as text"):
        canonical_text({"amount": value})


# --- on its own -----------------------------------------------------------------------------------

ALONE = """
import sys
from countersign_client import Countersign, needs_approval
client = Countersign(sys.argv[1], sys.argv[2])

@needs_approval(client, action="pay_refund", summary="Refund {amount}")
def pay(amount: int) -> str:
    return f"paid {amount}"

print(pay(80))
print(sorted(name for name in ("bot", "handlers", "pydantic", "cryptography", "langchain")
             if name in sys.modules))
"""
#: httpx, and what it needs itself.
HTTPX = ("httpx", "httpcore", "h11", "anyio", "sniffio", "idna", "certifi", "typing_extensions.py")


def test_the_file_runs_alone_with_nothing_but_httpx(server, tmp_path):
    server.on_request = lambda approval: server.decide(approval["id"], "edited", amount=50)
    packages = Path(sysconfig.get_paths()["purelib"])
    (tmp_path / "countersign_client.py").write_bytes(Path(module.__file__).read_bytes())
    for name in HTTPX:
        if (packages / name).exists():
            (tmp_path / name).symlink_to(packages / name)
    output = subprocess.run(
        [
            sys._base_executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ALONE}",
            server.url,
            TOKEN,
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert output.splitlines() == ["paid 50", "[]"]


def test_an_address_and_a_token_are_needed():
    with pytest.raises(ValueError, match="must begin with https"):
        Countersign("countersign.example", TOKEN)
    with pytest.raises(ValueError, match="countersign tokens make"):
        Countersign("https://countersign.example", "")
    assert AsyncCountersign("https://countersign.example/", TOKEN).url.endswith("example")
