"""LangChain agents whose tool calls are approved by people before they run.

It takes the place of LangChain's ``HumanInTheLoopMiddleware`` where the people are not at the
terminal of the agent: they decide in Slack, under the policy of the company, and what they decide
has the same shapes, *approve*, *edit* and *reject*.

Everything happens around one tool call, where parallel calls of one turn are approved apart from
each other, and where a run that is resumed from a checkpoint comes by again. It then finds the
request that it made before, by a key of the thread, the model's message and the call.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ToolCallRequest
from langchain.agents.middleware.human_in_the_loop import (
    ApproveDecision,
    EditDecision,
    RejectDecision,
    ToolApprovalRequest,
)
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command, interrupt

from handlers.programs.client import (
    ActionRefused,
    Amount,
    ApprovalRecord,
    Arguments,
    Countersign,
    FixedOptions,
    Flow,
    NotPermitted,
    ReceiptInvalid,
    ReportOutcome,
    RequestConflict,
    RequestInvalid,
    RequestOptions,
    StillPending,
    Wording,
    approved_arguments,
    areport_quietly,
    describe,
    from_arguments,
    has_ended,
    is_carried_out_by_server,
    is_decided,
    outcome_of,
    poll_flow,
    report_quietly,
    request_flow,
    word,
)

ToolResult = ToolMessage | Command[Any]
#: The decisions of ``HumanInTheLoopMiddleware`` that Countersign's people make.
ToolDecision = ApproveDecision | EditDecision | RejectDecision
#: What the model can understand and answer to. Other failures end the run, which can be resumed.
TOLD_TO_THE_MODEL = (ActionRefused, NotPermitted, RequestConflict, RequestInvalid, ReceiptInvalid)
KEY_LENGTH = 40
EDIT_NOTICE = (
    "Note: a person changed this tool call before it ran. The call in your message is the one that "
    "you made, not the one that ran. This was intended: do not make your own call again."
)


class GatedTool(FixedOptions, total=False):
    """The way in which calls of one tool are put to people."""

    #: The action in programs.yml; the tool's name where it is left out.
    action: str
    #: One sentence for people, like ``"Refund {amount} to {customer}"``, or a function.
    summary: Wording
    #: The money that a call moves, by its arguments.
    amount: Callable[[Arguments], Amount | None]
    #: Says by the call whether people are asked at all; without it, always.
    when: Callable[[ToolCallRequest], bool]


class CountersignMiddleware(AgentMiddleware[Any, Any, Any]):
    """Send every call of a gated tool through Countersign.

    ``gates`` has the tools by name: ``True``, or a ``GatedTool``. A call waits for its decision
    without an end; with ``pause_after``, after so many seconds the run is interrupted, which needs
    a checkpointer, and ``agent.invoke(None, config)`` takes it up again. What a run is resumed
    with decides nothing: only Countersign does.
    """

    def __init__(
        self,
        client: Countersign,
        gates: Mapping[str, GatedTool | bool],
        *,
        pause_after: float | None = None,
        edit_notice: str = EDIT_NOTICE,
    ) -> None:
        """Take the gates; refuse a misspelled option, as it could open one."""
        super().__init__()
        options = GatedTool.__annotations__.keys() | FixedOptions.__annotations__.keys()
        for name, tool in gates.items():
            if not isinstance(tool, bool) and (mistakes := sorted(set(tool) - options)):
                raise ValueError(
                    f"{name}: there is no option {mistakes[0]}; there are {sorted(options)}"
                )
        self._client = client
        self._coroutines = client.asynchronous()
        self._gates: dict[str, GatedTool] = {
            name: GatedTool() if tool is True else tool for name, tool in gates.items() if tool
        }
        self._pause_after = pause_after
        self._edit_notice = edit_notice

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]
    ) -> ToolResult:
        """Ask, wait, and run the tool with the arguments that were approved."""
        gate = self._find_gate(request)
        if gate is None:
            return handler(request)
        try:
            approval = self._client.run(self._ask(request, gate))
            step = _next_step(request, gate, approval)
        except TOLD_TO_THE_MODEL as error:
            return _not_executed(request, str(error))
        if isinstance(step, ToolMessage):
            return step
        try:
            result = handler(step.request)
        except GraphBubbleUp:
            # The tool itself waits for somebody: that is no outcome.
            raise
        except BaseException as error:
            report_quietly(
                self._client, approval.id, outcome=outcome_of(error), detail=describe(error)
            )
            raise
        report_quietly(self._client, approval.id, *_report(result))
        return self._annotate(result, step)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """Do the same in a coroutine, without holding a thread."""
        gate = self._find_gate(request)
        if gate is None:
            return await handler(request)
        try:
            approval = await self._coroutines.run(self._ask(request, gate))
            step = _next_step(request, gate, approval)
        except TOLD_TO_THE_MODEL as error:
            return _not_executed(request, str(error))
        if isinstance(step, ToolMessage):
            return step
        try:
            result = await handler(step.request)
        except GraphBubbleUp:
            raise
        except BaseException as error:
            await areport_quietly(
                self._coroutines, approval.id, outcome=outcome_of(error), detail=describe(error)
            )
            raise
        await areport_quietly(self._coroutines, approval.id, *_report(result))
        return self._annotate(result, step)

    def _find_gate(self, request: ToolCallRequest) -> "_Gate | None":
        """Return the gate of this call; None where people are not asked."""
        tool = self._gates.get(request.tool_call["name"])
        if tool is None or ("when" in tool and not tool["when"](request)):
            return None
        return _Gate(request.tool_call["name"], tool)

    def _ask(self, request: ToolCallRequest, gate: "_Gate") -> Flow[ApprovalRecord]:
        arguments = request.tool_call["args"]
        approval = yield from request_flow(
            gate.action,
            arguments,
            summary=gate.summary(arguments),
            options=gate.options(arguments, _idempotency_key(request)),
        )
        is_enough = has_ended if is_carried_out_by_server(gate.action) else is_decided
        while not is_enough(approval):
            try:
                approval = yield from poll_flow(approval.id, self._pause_after, is_enough)
            except StillPending:
                # Its value is for whoever watches the run; the answer to it decides nothing.
                interrupt(_pause_value(request, gate, approval))
        return approval

    def _annotate(self, result: ToolResult, step: "_Run") -> ToolResult:
        """Tell the model what ran in place of its own call."""
        if not step.is_edited or not self._edit_notice or not isinstance(result, ToolMessage):
            return result
        arguments = json.dumps(step.request.tool_call["args"], default=str, ensure_ascii=False)
        notice = f"{self._edit_notice} It ran with the arguments {arguments}."
        if isinstance(result.content, str):
            return result.model_copy(update={"content": f"{notice}\n\n{result.content}"})
        block = {"type": "text", "text": notice}
        return result.model_copy(update={"content": [block, *result.content]})


@dataclass(frozen=True, slots=True)
class _Gate:
    """A tool whose calls are put to people."""

    name: str
    tool: GatedTool

    @property
    def action(self) -> str:
        return self.tool.get("action", self.name)

    def summary(self, arguments: Arguments) -> str:
        wording = self.tool.get("summary")
        if wording is None:
            return f"An agent wants to {self.name.replace('_', ' ')}"
        return word(wording, arguments)

    def options(self, arguments: Arguments, key: str | None) -> RequestOptions:
        options = RequestOptions(idempotency_key=key)
        for name in FixedOptions.__annotations__:
            if name in self.tool:
                options[name] = self.tool[name]  # type: ignore[literal-required]
        if "amount" in self.tool:
            options["amount"] = from_arguments(self.tool["amount"], arguments)
        return options


@dataclass(frozen=True, slots=True)
class _Run:
    """The call to run."""

    request: ToolCallRequest
    is_edited: bool


def decision_of(approval: ApprovalRecord, tool: str, arguments: Arguments) -> ToolDecision:
    """Put what people decided into the shape of LangChain's decisions.

    Raises:
        ReceiptInvalid: the approval is for other arguments than the call has.
    """
    if not approval.is_allowed:
        return RejectDecision(type="reject", message=approval.refusal)
    values = approved_arguments(arguments, approval)
    if values == arguments:
        return ApproveDecision(type="approve")
    return EditDecision(type="edit", edited_action={"name": tool, "args": values})


def _next_step(
    request: ToolCallRequest, gate: _Gate, approval: ApprovalRecord
) -> _Run | ToolMessage:
    """Return the call to run, or the message in place of it."""
    call = request.tool_call
    decision = decision_of(approval, call["name"], call["args"])
    if decision["type"] == "reject":
        return _not_executed(
            request,
            f"{decision.get('message')}. Do not make this call again unless the user asks for it",
        )
    if approval.state != "approved":
        # Countersign carried it out, or an earlier run did and was stopped before it could say so.
        return _already_executed(request, approval)
    if decision["type"] == "approve":
        return _Run(request, is_edited=False)
    call = ToolCall(
        name=call["name"], args=decision["edited_action"]["args"], id=call["id"], type="tool_call"
    )
    return _Run(request.override(tool_call=call), is_edited=True)


def _not_executed(request: ToolCallRequest, reason: str) -> ToolMessage:
    name = request.tool_call["name"]
    return _message(request, f"The tool call for `{name}` was not executed. {reason}.", "error")


def _already_executed(request: ToolCallRequest, approval: ApprovalRecord) -> ToolMessage:
    """Tell the model the outcome on record; the call is not repeated."""
    execution = approval.execution
    content = f"The tool call for `{request.tool_call['name']}` is on record as {approval.state}."
    if execution is not None and execution.detail:
        content = f"{content} {execution.detail}"
    return _message(request, content, "success" if approval.state == "done" else "error")


def _message(request: ToolCallRequest, content: str, status: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(
        content=content, name=call["name"], tool_call_id=str(call["id"]), status=status
    )


def _pause_value(
    request: ToolCallRequest, gate: _Gate, approval: ApprovalRecord
) -> Mapping[str, Any]:
    call = request.tool_call
    value = ToolApprovalRequest(
        type="tool_approval",
        tool_call_id=str(call["id"]),
        name=call["name"],
        args=call["args"],
        description=gate.summary(call["args"]),
    )
    return {**value, "approval": approval.id, "case": approval.case}


def _report(result: ToolResult) -> tuple[ReportOutcome, str]:
    """Say what became of the call, by its result."""
    if not isinstance(result, ToolMessage):
        return "done", ""
    # It is kept as the answer to a run that is resumed before it has saved this one.
    return "failed" if result.status == "error" else "done", str(result.text)


def _idempotency_key(request: ToolCallRequest) -> str | None:
    """Return one key for this call, in every attempt of the run.

    None where no later run could take it up. Ids of calls alone would not do: some models count
    them from one in every message.
    """
    config = request.runtime.config if request.runtime is not None else {}
    thread_id, call_id = config.get("configurable", {}).get("thread_id"), request.tool_call["id"]
    message_id = _message_id(request.state, call_id)
    if thread_id is None or call_id is None or message_id is None:
        return None
    content = json.dumps([str(thread_id), message_id, call_id])
    return f"langchain:{hashlib.sha256(content.encode()).hexdigest()[:KEY_LENGTH]}"


def _message_id(state: Any, call_id: str | None) -> str | None:
    """Find the message of the model that has this call."""
    for message in reversed(_messages(state)):
        if isinstance(message, AIMessage) and any(
            call["id"] == call_id for call in message.tool_calls
        ):
            return message.id
    return None


def _messages(state: Any) -> Sequence[Any]:
    if isinstance(state, Mapping):
        return list(state.get("messages", ()))
    if isinstance(state, list):
        return state
    return list(getattr(state, "messages", ()))
