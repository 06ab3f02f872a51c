"""The only sender. A message is posted under a uid in its metadata, so that one whose reply was lost can be found again.

The client is built without the SDK's retries: a post whose connection broke may have been posted, and is looked for first.
"""

import contextlib
import http.client
import logging
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot import sockets
from bot.cases.case import Case
from bot.cases.entries import Entry
from bot.cases.errors import ChatFailed, ChatUnknown, LockedOut, RateLimited, Unreachable
from bot.clock import boottime, monotonic, seconds_left, time_limit, utc_now
from bot.desk.message_cleanup import posted_since
from bot.ports.card_store import CardContext, CardRef
from bot.ports.chat import PostedMessage
from bot.ports.connector import EffectStatus
from bot.ports.live_lists import LiveList
from bot.ports.question_log import PostedQuestion
from bot.views.alert_storm import StormView
from bot.views.answers import Answer
from bot.views.app_home import HomeView
from bot.views.digest import DigestView
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.case_card import PLAIN, case_card, notification, superseded_card
from handlers.cards.charts import without_charts
from handlers.cards.copies import COPY_WORDS, copy_blocks
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.home_view import home_view
from handlers.cards.notes import note_blocks, note_text
from handlers.cards.storm_card import storm_card, storm_headline
from handlers.cards.text import Json, clean, escaped, say
from handlers.slack.gate import Gate

log = logging.getLogger(__name__)
CARD, NOTE, MESSAGE = "exception_card", "exception_note", "exception_message"
COPY = "exception_copy"
DIGEST, ANSWER, STORM = "exception_digest", "exception_answer", "exception_storm"
LISTS = frozenset({DIGEST, STORM})
# Slack's words for blocks that this workspace, or this surface, does not take.
NOT_TAKEN = frozenset({"invalid_blocks", "invalid_arguments", "invalid_blocks_format"})
# Slack's words for "something went wrong on our side": the call may have had its effect.
IN_DOUBT = frozenset(
    {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
# A person must mend the token; what waits for that is not given up.
LOCKED_OUT = frozenset(
    {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed"}
)
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
WAIT_WHEN_UNREACHABLE = 2.0
TIMEOUT_SECONDS = 10
LOOK_BACK_SECONDS = 60.0
# An approval that is older has run out long ago: nothing is repeated for want of a message from before.
FIND_WITHIN_SECONDS = 30 * 86_400.0
# Slack's own word for an error; anything else in its place came from somewhere on the way.
ERROR_WORD = re.compile(r"[a-z0-9_]+")
PAGE_SIZE, MAX_PAGES = 200, 100
GROUPS_KNOWN_FOR = 300.0


def web_client(token: str, base_url: str) -> WebClient:
    """A client that never repeats a call by itself, and reads no proxy from the environment."""
    client = _BoundedClient(
        token=token, base_url=base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[]
    )
    client.proxy = None
    return client


@dataclass(frozen=True, slots=True)
class _Found:
    """A message that a search has come upon."""

    ts: str
    is_answered: bool

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "_Found":
        return cls(str(message["ts"]), bool(message.get("reply_count")))


class _BoundedClient(WebClient):
    """A client whose calls end in time, all in all. The SDK's time-out begins anew with every byte that arrives."""

    def _perform_urllib_http_request_internal(
        self, url: str, req: urllib.request.Request
    ) -> dict[str, Any]:
        with time_limit(boottime() + self.timeout):
            opener = urllib.request.build_opener(_BoundedHttp(), _BoundedHttps(context=self.ssl))
            with opener.open(req, timeout=max(0.001, seconds_left())) as answer:
                body = answer.read().decode(answer.headers.get_content_charset() or "utf-8")
                return {"status": answer.code, "headers": answer.headers, "body": body}


class _BoundedHttp(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_bounded, http.client.HTTPConnection), req)


class _BoundedHttps(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = self._context  # type: ignore[attr-defined]
        return self.do_open(partial(_bounded, http.client.HTTPSConnection), req, context=context)


def _bounded(kind: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    """A connection of the standard library over a socket of ours, with its proxies and TLS as they are."""
    connection = kind(*arguments, **more)
    connection._create_connection = lambda address, *_: sockets.connect(*address)
    return connection


class Gone(ChatFailed):
    """The message is not there any more."""


class SlackChat:
    """Cards, notes and messages in one workspace."""

    def __init__(self, client: WebClient, gate: Gate) -> None:
        self._client = client
        self._gate = gate
        self._known: Mapping[str, Any] = {}
        self._asking = threading.Lock()
        self._groups: Mapping[str, str] = {}
        self._groups_until = 0.0

    def draw_card(
        self,
        case: Case,
        cards: Sequence[CardRef],
        *,
        look_first: bool,
        context: CardContext = PLAIN,
    ) -> CardRef:
        live = next((card for card in cards if card.generation == case.generation), None)
        if live is not None:
            try:
                return self._redraw(case, live, context)
            except ChatFailed as failure:
                if failure.error not in GONE:
                    raise
        uid = f"{case.id}/{case.generation}"
        if look_first or live is not None:
            # Looking costs a call too: not before there is room for what it is for.
            self._gate.must_have_room("chat.postMessage", case.channel)
            recorded = {card.ts for card in cards}
            found = [
                one.ts
                for one in self._search(CARD, uid, case.channel, since=posted_since(case, cards))
            ]
            unrecorded = sorted(ts for ts in found if ts not in recorded)
            if unrecorded:
                drawn = CardRef(
                    case_id=case.id,
                    generation=case.generation,
                    channel=case.channel,
                    ts=unrecorded[0],
                    version=case.version,
                )
                return self._redraw(case, drawn, context)
        ts = self._post_card(case, uid, context)
        return CardRef(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts=ts,
            version=case.version,
        )

    def retire_card(self, case: Case, older: CardRef) -> None:
        if older.ts:
            place = PostedMessage(case.id, older.channel, older.ts)
            self._rewrite(place, {"text": notification(case), "blocks": superseded_card(case)})

    def messages_about(self, name: str, channel: str, since: float) -> list[PostedMessage]:
        """Cards by any generation of the case; a list by its whole key."""
        found = self._search("", name, channel, since=since)
        return [PostedMessage(name, channel, one.ts, one.is_answered) for one in found]

    def remove(self, copy: PostedMessage) -> None:
        try:
            self._call("chat.delete", copy.channel, pace_as=f"{copy.channel}/{copy.ts}", ts=copy.ts)
        except ChatFailed as failure:
            if failure.error not in GONE:
                raise

    def mark_as_copy(self, copy: PostedMessage, title: str, standing: CardRef) -> None:
        blocks = copy_blocks(title, self.link(standing.channel, standing.ts))
        # What has lost its buttons is no card any more: it is not found again.
        metadata = {"event_type": COPY, "event_payload": {"uid": copy.name}}
        self._rewrite(copy, {"text": escaped(COPY_WORDS), "blocks": blocks, "metadata": metadata})

    def _rewrite(self, place: PostedMessage, shown: dict[str, Any]) -> None:
        """Write a message over that shows its case no longer; one that cannot be written over is taken away."""
        where = {"pace_as": f"{place.channel}/{place.ts}", "ts": place.ts}
        try:
            self._call("chat.update", place.channel, **where, **shown)
        except ChatFailed as failure:
            if failure.error not in GONE:
                raise
            if failure.error != "message_not_found":
                self.remove(place)

    def post_note(
        self,
        case: Case,
        entries: Sequence[Entry],
        cards: Sequence[CardRef],
        *,
        key: str,
        look_first: bool,
        call: str = "",
        is_loud: bool = False,
    ) -> None:
        card = cards[0]
        if look_first and self._find(NOTE, key, card.channel, thread=card.ts):
            return
        loud: dict[str, Any] = {"reply_broadcast": True} if is_loud else {}
        said: dict[str, Any] = {
            "text": note_text(case, entries),
            "blocks": note_blocks(case, entries, self._name(call)),
        }
        self._call(
            "chat.postMessage", card.channel, thread_ts=card.ts, **said, **_quiet(NOTE, key), **loud
        )

    def _name(self, call: str) -> Json | None:
        """The one who is called, as Slack notifies them: a person by their id, a group by its own."""
        if not call:
            return None
        if "/" in call:
            return {"type": "user", "user_id": call.rpartition("/")[2]}
        known = self._group_ids()
        return (
            {"type": "usergroup", "usergroup_id": known[call]} if call in known else say(f"@{call}")
        )

    def _group_ids(self) -> Mapping[str, str]:
        """Slack's ids of the groups by their handles; asked every few minutes, and nobody is called while that fails."""
        if monotonic() > self._groups_until:
            with contextlib.suppress(ChatFailed):
                found = self.ask(lambda: self._client.api_call("usergroups.list"))["usergroups"]
                self._groups = {group["handle"]: group["id"] for group in found}
            self._groups_until = monotonic() + GROUPS_KNOWN_FOR
        return self._groups

    def send(self, to: str, text: str, key: str) -> str:
        """A message with outside text in it: shown as plain text."""
        block = {
            "type": "section",
            "text": {"type": "plain_text", "text": text[:3000], "emoji": False},
        }
        answer = self._call(
            "chat.postMessage", to, text=escaped(text, 3000), blocks=[block], **_quiet(MESSAGE, key)
        )
        return str(answer["ts"])

    def find_message(self, to: str, key: str) -> EffectStatus:
        """Look for a message; that it is not there is only said when everything was looked through."""
        since = utc_now().timestamp() - FIND_WITHIN_SECONDS
        found = self._find(MESSAGE, key, to, since=since, is_whole=True)
        return EffectStatus.LANDED if found else EffectStatus.ABSENT

    def whisper(
        self, channel: str, person: str, text: str, blocks: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """A private answer that only this person sees, in the channel where they asked."""
        block = {
            "type": "section",
            "text": {"type": "plain_text", "text": text[:3000], "emoji": False},
        }
        shown = list(blocks) or [block]
        self._call(
            "chat.postEphemeral", channel, user=person, text=escaped(text, 3000), blocks=shown
        )

    def tell(self, user: str, text: str) -> None:
        """A line to one person, between the two of us."""
        block = {
            "type": "section",
            "text": {"type": "plain_text", "text": text[:3000], "emoji": False},
        }
        self._call("chat.postMessage", user, text=escaped(text, 3000), blocks=[block])

    def link(self, channel: str, ts: str) -> str:
        """The address of a message, as Slack's own permalinks are made; empty when it is not known where we are."""
        if not ts:
            return ""
        try:
            base = str(self._identity()["url"])
        except ChatFailed:
            return ""
        return f"{base.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"

    def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        self.ask(lambda: self._client.views_open(trigger_id=trigger_id, view=dict(view)))

    def update_form(self, view_id: str, view_hash: str, view: Mapping[str, Any]) -> None:
        """Draw an open form again, if nobody has meanwhile."""
        given = {
            "view_id": view_id,
            "view": dict(view),
            **({"hash": view_hash} if view_hash else {}),
        }
        self.ask(lambda: self._client.api_call("views.update", json=given))

    def suggest(self, channel: str, examples: Sequence[str]) -> None:
        """What one might ask, above the empty line of the agent pane."""
        prompts = [{"title": example[:60], "message": example} for example in examples[:4]]
        with contextlib.suppress(ChatFailed):
            self.ask(
                lambda: self._client.api_call(
                    "assistant.threads.setSuggestedPrompts",
                    json={"channel_id": channel, "prompts": prompts},
                )
            )

    # --- lists and answers ---------------------------------------------------------------------------------------------

    def post_digest(self, digest: DigestView, board: LiveList | None, *, look_first: bool) -> str:
        """The digest, once; the one that stands is drawn again. What else waits goes into its thread."""
        shown: dict[str, Any] = {
            "text": digest_text(digest),
            "blocks": digest_card(digest, self.link),
        }
        channel = self._opened(digest.place.rpartition("/")[2])
        ts, is_new = self._post_board(
            DIGEST, digest.key, channel, shown, board, look_first=look_first
        )
        if digest.rest and is_new:
            words: dict[str, Any] = {
                "text": "What else waits for a decision",
                "blocks": rest_blocks(digest, self.link),
            }
            self._call(
                "chat.postMessage",
                channel,
                thread_ts=ts,
                **words,
                **_quiet(DIGEST, f"{digest.key}/rest"),
            )
        return ts

    def post_storm(self, storm: StormView, board: LiveList | None, *, look_first: bool) -> str:
        """The card that many cases share, drawn at most once a second."""
        shown: dict[str, Any] = {
            "text": escaped(storm_headline(storm)),
            "blocks": storm_card(storm, self.link),
        }
        return self._post_board(STORM, storm.key, storm.place, shown, board, look_first=look_first)[
            0
        ]

    def _post_board(
        self,
        kind: str,
        key: str,
        channel: str,
        shown: dict[str, Any],
        board: LiveList | None,
        *,
        look_first: bool,
    ) -> tuple[str, bool]:
        """Where the board stands, and whether it was posted just now."""
        if board is not None:
            with contextlib.suppress(Gone):
                self._charted(
                    "chat.update", channel, pace_as=f"{channel}/{board.ts}", ts=board.ts, **shown
                )
            return board.ts, False
        found = (
            self._find(kind, key, channel, since=utc_now().timestamp() - 86_400)
            if look_first
            else None
        )
        if found:
            return found, False
        return str(
            self._charted("chat.postMessage", channel, **shown, **_quiet(kind, key))["ts"]
        ), True

    def publish_home(self, home: HomeView) -> None:
        """The whole view, as it is now; last one wins."""
        view = home_view(home, self.link)
        try:
            self.ask(
                lambda: self._client.api_call(
                    "views.publish", json={"user_id": home.user, "view": view}
                )
            )
        except ChatFailed as failure:
            if failure.error not in NOT_TAKEN:
                raise
            plainer = {**view, "blocks": without_charts(view["blocks"])}
            self.ask(
                lambda: self._client.api_call(
                    "views.publish", json={"user_id": home.user, "view": plainer}
                )
            )

    def start_answer(self, question: PostedQuestion) -> str:
        """A message that grows, between the two of us; elsewhere nothing is shown before it is known who may see it."""
        if not question.is_direct:
            return ""
        with contextlib.suppress(ChatFailed):
            started = self._call("chat.startStream", question.channel, thread_ts=question.thread)
            return str(started["ts"])
        return ""

    def post_progress(self, question: PostedQuestion, stream_ts: str, words: str) -> None:
        task = {
            "type": "task_update",
            "id": f"{len(words)}{words[:40]}",
            "title": clean(words, 150),
            "status": "complete",
        }
        with contextlib.suppress(ChatFailed):
            self._call("chat.appendStream", question.channel, ts=stream_ts, chunks=[task])

    def answer(
        self, question: PostedQuestion, answer: Answer, *, look_first: bool, stream_ts: str = ""
    ) -> None:
        """Where it was asked: for all to see between the two of us, or where everybody may see all of it; else for the asker alone."""
        is_open = question.is_direct or answer.is_all_in(question.channel)
        blocks = answer_blocks(answer, self.link, question.id)
        if stream_ts and self._grown(question, stream_ts, answer, blocks):
            return
        said: dict[str, Any] = {
            "text": answer_text(answer),
            "blocks": blocks,
            "thread_ts": question.thread,
        }
        if not is_open:
            self._call("chat.postEphemeral", question.channel, user=question.user, **said)
            return
        if not (
            look_first and self._find(ANSWER, question.id, question.channel, thread=question.thread)
        ):
            self._call("chat.postMessage", question.channel, **said, **_quiet(ANSWER, question.id))
        if look_first and question.is_direct:
            self._clear_half_grown(question)

    def _clear_half_grown(self, question: PostedQuestion) -> None:
        """Take away what an earlier attempt began to say and never ended: ours, without a name, right behind this question."""
        channel, asked_at = self._opened(question.channel), question.id.rpartition(":")[2]
        thread = self.ask(
            lambda: self._client.conversations_replies(
                channel=channel, ts=question.thread, include_all_metadata=True, limit=200
            )
        )["messages"]
        latest = ""
        for message in sorted(thread, key=lambda one: float(one["ts"])):
            if not message.get("bot_id"):
                latest = message["ts"]
            elif (
                latest == asked_at
                and message["bot_id"] == self._identity()["bot_id"]
                and not message.get("metadata")
            ):
                with contextlib.suppress(ChatFailed):
                    self._call("chat.delete", channel, ts=message["ts"])

    def _grown(
        self, question: PostedQuestion, growing: str, answer: Answer, blocks: list[Json]
    ) -> bool:
        """End the growing message with the answer; one that Slack has closed meanwhile is written over."""
        shown: dict[str, Any] = {"ts": growing, "blocks": blocks, **_quiet(ANSWER, question.id)}
        try:
            self._call(
                "chat.stopStream",
                question.channel,
                ts=growing,
                blocks=blocks,
                metadata=shown["metadata"],
            )
        except (ChatUnknown, RateLimited):
            raise
        except ChatFailed:
            with contextlib.suppress(ChatFailed):
                self._call("chat.update", question.channel, text=answer_text(answer), **shown)
                return True
            return False
        return True

    def _charted(self, method: str, channel: str, **arguments: Any) -> Mapping[str, Any]:
        """With charts; where they are not taken, with the same numbers as text."""
        try:
            return self._call(method, channel, **arguments)
        except ChatFailed as failure:
            if failure.error in GONE:
                raise Gone(failure.error) from None
            if failure.error not in NOT_TAKEN:
                raise
        plainer = {**arguments, "blocks": without_charts(arguments["blocks"])}
        return self._call(method, channel, **plainer)

    def ping(self) -> str:
        """The name of the workspace; ``ChatFailed`` says why not."""
        return str(self.ask(self._client.auth_test)["team"])

    def team_id(self) -> str:
        """The id of our own team; asked once."""
        return str(self._identity()["team_id"])

    # --- inside --------------------------------------------------------------------------------------------------------

    def _post_card(self, case: Case, uid: str, look: CardContext) -> str:
        content: dict[str, Any] = {"text": notification(case), "blocks": case_card(case, look)}
        return str(
            self._call("chat.postMessage", case.channel, **content, **_quiet(CARD, uid))["ts"]
        )

    def _redraw(self, case: Case, card: CardRef, look: CardContext) -> CardRef:
        shown: dict[str, Any] = {"text": notification(case), "blocks": case_card(case, look)}
        self._call(
            "chat.update", card.channel, pace_as=f"{card.channel}/{card.ts}", ts=card.ts, **shown
        )
        return replace(card, version=case.version)

    def _find(
        self,
        kind: str,
        uid: str,
        channel: str,
        *,
        since: float = 0.0,
        thread: str = "",
        is_whole: bool = False,
    ) -> str | None:
        """Where the message with this uid stands. Several are one too many: the first is kept, the others are taken away."""
        found = sorted(
            one.ts
            for one in self._search(
                kind, uid, channel, since=since, thread=thread, is_whole=is_whole
            )
        )
        # A list is recorded by its place: which of its copies stands is for the sweep to say.
        for double in found[1:] if kind not in LISTS else ():
            self._call("chat.delete", self._opened(channel), ts=double)
        return found[0] if found else None

    def _search(
        self,
        kind: str,
        uid: str,
        channel: str,
        *,
        since: float = 0.0,
        thread: str = "",
        is_whole: bool = False,
    ) -> list["_Found"]:
        """Read every page of a channel or thread for our messages under this uid.

        Without a kind: every card of the case ``uid``, of any generation, or every copy of the list.
        """
        found: list[_Found] = []
        place: dict[str, Any] = (
            {"ts": thread} if thread else {"oldest": f"{since - LOOK_BACK_SECONDS:.6f}"}
        )
        ask = self._client.conversations_replies if thread else self._client.conversations_history
        place["channel"] = self._opened(channel)
        for _ in range(MAX_PAGES):
            arguments = {**place, "include_all_metadata": True, "limit": PAGE_SIZE}
            # Bound now: the lambda runs before the next page is asked for.
            answer = self.ask(lambda arguments=arguments: ask(**arguments))  # type: ignore[misc]
            found += [_Found.of(one) for one in answer["messages"] if self._is_ours(one, kind, uid)]
            place["cursor"] = answer.get("response_metadata", {}).get("next_cursor", "")
            if not place["cursor"]:
                return found
        if is_whole and not found:
            raise ChatUnknown("more messages than can be looked through")
        log.warning("%s is not found within %s messages of %s", uid, PAGE_SIZE * MAX_PAGES, channel)
        return found

    def _is_ours(self, message: Mapping[str, Any], kind: str, uid: str) -> bool:
        metadata = message.get("metadata") or {}
        named = str(metadata.get("event_payload", {}).get("uid", ""))
        if kind:
            is_meant = metadata.get("event_type") == kind and named == uid
        else:
            is_card = metadata.get("event_type") == CARD and named.rpartition("/")[0] == uid
            is_meant = is_card or (metadata.get("event_type") in LISTS and named == uid)
        return is_meant and message.get("bot_id") == self._identity()["bot_id"]

    def _identity(self) -> Mapping[str, Any]:
        with self._asking:
            if not self._known:
                self._known = self.ask(self._client.auth_test)
        return self._known

    def _opened(self, to: str) -> str:
        """Messages to a person live in a channel of their own."""
        if not to.startswith(("U", "W")):
            return to
        return str(self.ask(lambda: self._client.conversations_open(users=to))["channel"]["id"])

    def _call(
        self, method: str, channel: str, *, pace_as: str = "", **arguments: Any
    ) -> Mapping[str, Any]:
        with self._gate.turn(method, pace_as or channel):
            return self.ask(
                lambda: self._client.api_call(method, json={"channel": channel, **arguments})
            )

    @staticmethod
    def ask(call: Callable[[], Any]) -> Mapping[str, Any]:
        """Make the call and sort what can go wrong into: refused, in doubt, asked to wait, not sent at all."""
        try:
            answer: Mapping[str, Any] = call().data
        except SlackApiError as refused:
            raise _sorted(refused) from None
        except (ConnectionRefusedError, SlackRequestError):
            raise Unreachable(WAIT_WHEN_UNREACHABLE) from None
        except (OSError, http.client.HTTPException, ValueError) as broken:
            if isinstance(getattr(broken, "reason", None), ConnectionRefusedError):
                raise Unreachable(WAIT_WHEN_UNREACHABLE) from None
            raise ChatUnknown(type(broken).__name__) from None
        return answer


def _sorted(refused: SlackApiError) -> ChatFailed:
    response = refused.response
    status = response.status_code
    if status == 429:
        return RateLimited(
            float(response.headers.get("Retry-After") or response.headers.get("retry-after") or 1)
        )
    body = response.data if isinstance(response.data, Mapping) else {}
    error = str(body.get("error", f"http_{status}"))
    if status >= 500 or error in IN_DOUBT or "error" not in body or not ERROR_WORD.fullmatch(error):
        return ChatUnknown(error)
    return LockedOut(error) if error in LOCKED_OUT else ChatFailed(error)


def _quiet(kind: str, uid: str) -> dict[str, Any]:
    """No link in a card is ever fetched for a preview; the uid is an opaque id and nothing else."""
    metadata = {"event_type": kind, "event_payload": {"uid": uid}}
    return {"unfurl_links": False, "unfurl_media": False, "metadata": metadata}
