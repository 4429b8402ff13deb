"""One conversation from the first packet to the last event.

    run() ─▶ connect ─▶ start pipeline ─▶ opening ─▶ talk ─▶ last words ─▶ release
                 │              │            │        ▲          ▲            ▲
                 ╰──────────────┴────────────┴────────┤          │            │
    an `Ending` is asked for, by the link (hung up, lost), the clock          │
    (max duration), the `end_call` tool, a vendor's fault, or `end()`         │
                 the caller hangs up ────────────────────────────┴────────────┤
                 run() is cancelled ──────────────────────────────────────────╯

`livekit-agents` does the talking; this module decides when it starts and stops, and
guarantees that whatever happens, everything is released and `SessionEnded` is told
exactly once, as the last event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from livekit.agents import RunContext, llm

from assistants.spec import AssistantSpec
from assistants.tool_shapes import Destination
from calls.media.link import LinkEnd, MediaLink, MediaNeverConnected
from calls.session.clock import CallClock
from calls.session.early import Context, Words, Written
from calls.session.ending import REASON_OF_LINK_END, Ending
from calls.session.events import (
    EndReason,
    EventSink,
    SessionEnded,
    TransferAsked,
    Usage,
)
from calls.session.last_words import LastWords, until_spoken
from calls.session.letting_go import Parts, let_go
from calls.session.manners import Manners
from calls.session.outbox import Outbox
from calls.session.patience import Patience
from calls.session.pipeline import Pipeline
from calls.session.ports import (
    ForeignTool,
    ToolRunner,
    Transfer,
    TransferFailed,
    Vendors,
)
from calls.session.returning import Return
from calls.session.tools import Toolbox
from common.edges import contained

logger = logging.getLogger(__name__)

NO_TRANSFER = "This call cannot be transferred."


class VoiceSession:
    """The port to one live conversation. `run()` is its whole life, once.

    `say`, `inject` and `end` may be called from anywhere on the loop at any time,
    the event sink included. They return as soon as their wish is noted. Before the
    conversation starts it is kept for then; after its end it is dropped; none raises.
    """

    def __init__(
        self,
        spec: AssistantSpec,
        link: MediaLink,
        vendors: Vendors,
        sink: EventSink,
        *,
        opening: str | None = None,
        instructions_suffix: str = "",
        tool_runner: ToolRunner | None = None,
        transfer: Transfer | None = None,
        patience: Patience | None = None,
        returns: Return | None = None,
    ) -> None:
        self._spec, self._link, self._vendors = spec, link, vendors
        self._sink: EventSink | None = sink
        self._returns = returns
        self._opening = returns.words if returns else opening or spec.first_message
        self._instructions_suffix = instructions_suffix
        self._tool_runner = tool_runner
        self._transfer = transfer
        self.foreign_tools: Sequence[ForeignTool] = ()  # set before `run`
        self._patience = patience or Patience()
        self._clock = CallClock()
        self._pipeline: Pipeline | None = None
        self._outbox: Outbox | None = None
        self._early: list[Words | Context | Written] = []
        self._toolbox: Toolbox | None = None
        self._manners: Manners | None = None
        self._watch: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None
        self._billed: Usage | None = None
        self.memory: Sequence[llm.ChatItem] = ()  # of the conversation that has ended
        self._is_ending = asyncio.Event()
        self._is_gone = asyncio.Event()  # nobody is at the other end any more

    @property
    def is_ending(self) -> bool:
        """Whether its end was asked for: nothing new begins any more."""
        return self._ending is not None

    async def run(self) -> SessionEnded:
        """Hold the conversation; return what was told last.

        Cancelling it ends the call as lost with the process, releases everything, and
        raises only then.
        """
        if self._sink is None:
            raise RuntimeError("a session runs once")
        self._outbox = Outbox(self._sink, timeout_s=self._patience.sink_s)
        self._sink = None
        is_cancelled = False
        ending: Ending | None = None
        with contained(logger, "session failed") as session:  # what broke is told
            try:
                ending = await self._live()
            except asyncio.CancelledError:
                is_cancelled = True
                ending = self._ending or Ending(
                    EndReason.VOICE_PROCESS_LOST, error="cancelled"
                )
        if ending is None:
            kind = type(session.error).__name__
            ending = Ending(EndReason.INTERNAL_ERROR, error=kind)
        self._ask_for(ending)
        releasing = asyncio.create_task(self._release(ending), name="session-release")
        while not releasing.done():
            try:
                await asyncio.wait([releasing])
            except asyncio.CancelledError:
                is_cancelled = True
        ended = releasing.result()
        if is_cancelled:
            raise asyncio.CancelledError
        return ended

    async def say(
        self, text: str, *, interruptible: bool = True, end_after: bool = False
    ) -> None:
        """Speak these words, after whatever is being said; perhaps hang up then."""
        words = Words(text, interruptible, end_after)
        if self._pipeline is None:
            self._early.append(words)
        elif self._ending is None:
            self._speak(words)

    async def hear(self, text: str) -> None:
        """Take what somebody wrote as what they say."""
        if self._pipeline is None:
            self._early.append(Written(text))
        elif self._ending is None:
            self._pipeline.answer_to(text)

    async def inject(self, content: str, *, respond: bool) -> None:
        """Tell the model something the caller does not hear; perhaps let it answer."""
        if self._pipeline is None:
            self._early.append(Context(content, respond))
        elif self._ending is None:
            await self._pipeline.add_context(content, respond=respond)

    async def end(self, reason: EndReason, message: str | None = None) -> None:
        """End the call, after a farewell if there is one. The first reason counts."""
        self._ask_for(Ending(reason, farewell=message))

    async def transfer(self, destination: str, message: str | None = None) -> None:
        """Hand the caller on: say the message, hand over, and end when it worked.

        Raises:
            TransferFailed: the conversation goes on.
        """
        pipeline = self._pipeline
        if self._transfer is None:
            raise TransferFailed(NO_TRANSFER)
        if pipeline is None or self._ending is not None or self._outbox is None:
            raise TransferFailed("The call is not going on.")
        at_ms = self._clock.now_ms()
        self._outbox.put(TransferAsked(destination, message, at_ms))
        if message:
            speech = pipeline.say(message, interruptible=False)
            limit_s = self._patience.farewell_limit_s(message)
            await until_spoken(speech, self._is_gone, limit_s)
        try:
            async with asyncio.timeout(self._patience.transfer_s):
                await self._transfer.transfer(destination, message)
        except TimeoutError as error:
            raise TransferFailed("Nobody took the call in time.") from error
        self._ask_for(Ending(EndReason.TRANSFERRED))

    def set_quiet(self, is_quiet: bool) -> None:
        """Stop speaking and listening, or begin again; the call goes on."""
        if self._pipeline is not None and self._ending is None:
            self._pipeline.set_quiet(is_quiet)

    # --- the life of a call ---

    async def _live(self) -> Ending:
        try:
            await self._unless_ending(
                self._link.wait_connected(self._patience.connect_s)
            )
        except MediaNeverConnected:
            return Ending(EndReason.NEVER_CONNECTED)
        if self._ending is not None:
            return self._ending
        self._clock.start(elapsed_ms=self._link.offset_ms)
        self._watch = asyncio.create_task(self._watch_link(), name="session-link")
        away_s = self._returns.away_ms / 1000 if self._returns else 0.0
        self._deadline = asyncio.get_running_loop().call_at(
            self._clock.started_s + self._spec.max_duration_seconds + away_s,
            self._time_is_up,
        )
        await self._start_pipeline()
        await self._is_ending.wait()
        assert self._ending is not None
        assert self._pipeline is not None
        last_words = LastWords(self._pipeline, self._patience, self._is_gone)
        await last_words.say(self._ending)
        return self._ending

    async def _start_pipeline(self) -> None:
        assert self._outbox is not None
        toolbox = self._toolbox = Toolbox(
            self._clock,
            self._patience,
            put=self._outbox.put,
            end_call=self._end_by_tool,
            transfer=self._transfer_by_tool,
            say=self._announce,
            runner=self._tool_runner,
        )
        manners = self._manners = Manners(
            self._spec,
            put=self._outbox.put,
            check=self._check_on_caller,
            ask_for=self._ask_for,
        )
        early, self._early = self._early, []
        pipeline = Pipeline(
            self._spec,
            self._link,
            self._vendors,
            clock=self._clock,
            patience=self._patience,
            put=manners.see,
            on_fatal=lambda fault: self._ask_for(Ending.by_fault(fault)),
            tools=toolbox.tools_of(self._spec, self.foreign_tools),
            instructions_suffix=self._instructions_suffix,
            early_context=[e.content for e in early if isinstance(e, Context)],
            returns=self._returns,
        )
        self._pipeline = pipeline
        async with asyncio.timeout(self._patience.start_s):
            await pipeline.start()
        if self._opening:
            pipeline.say(self._opening)
        for wish in early + self._early:
            if isinstance(wish, Words):
                self._speak(wish)
            elif isinstance(wish, Written):
                pipeline.answer_to(wish.text)
            elif wish.respond or wish in self._early:
                await pipeline.add_context(wish.content, respond=wish.respond)

    def _speak(self, words: Words) -> None:
        assert self._pipeline is not None
        speech = self._pipeline.say(words.text, interruptible=words.interruptible)
        if words.end_after:
            self._ask_for(Ending(EndReason.ASSISTANT_HANGUP, after=speech))

    def _announce(self, text: str) -> None:
        if self._pipeline is not None:
            self._pipeline.say(text)

    def _check_on_caller(self, sentence: str | None) -> None:
        if self._pipeline is None or self._ending is not None:
            return
        if sentence is None:
            self._pipeline.ask_after_caller()
        else:
            self._pipeline.say(sentence)

    async def _watch_link(self) -> None:
        end = LinkEnd.LOST  # a link that fails to tell is lost as well
        try:
            end = await self._link.wait_closed()
        finally:
            self._is_gone.set()
            self._ask_for(Ending(REASON_OF_LINK_END[end]))

    def _time_is_up(self) -> None:
        message = self._spec.speech_config.end_call_message
        self._ask_for(Ending(EndReason.MAX_DURATION, farewell=message))

    def _end_by_tool(self, context: RunContext[None]) -> None:
        with suppress(
            RuntimeError
        ):  # it was interrupted already, and ends all the same
            context.disallow_interruptions()
        message = self._spec.speech_config.end_call_message
        self._ask_for(
            Ending(
                EndReason.ASSISTANT_HANGUP,
                farewell=message,
                after=context.speech_handle,
            )
        )

    async def _transfer_by_tool(
        self, destination: Destination, context: RunContext[None]
    ) -> None:
        """Let the model finish what it says, then hand the caller on."""
        with suppress(RuntimeError):  # it was interrupted already
            context.disallow_interruptions()
        await context.wait_for_playout()
        await self.transfer(destination.number, destination.message)

    def _ask_for(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._is_ending.set()
            if self._manners is not None:
                self._manners.close()

    async def _unless_ending(self, work: Coroutine[Any, Any, None]) -> None:
        """Await something, unless the call is to end before it is done."""
        task = asyncio.ensure_future(work)
        ending = asyncio.create_task(self._ends())
        try:
            await asyncio.wait({task, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in (task, ending):
                wait.cancel()
            await asyncio.wait({task, ending})
        if not task.cancelled():
            task.result()

    async def _ends(self) -> None:
        await self._is_ending.wait()

    @property
    def usage(self) -> Usage:
        """What vendors will bill for the call so far, or billed once it has ended."""
        if self._billed is not None:
            return self._billed
        return self._pipeline.usage if self._pipeline is not None else Usage()

    # --- the end ---

    async def _release(self, ending: Ending) -> SessionEnded:
        """Hang up first: a caller must not listen to our tidying up."""
        assert self._outbox is not None
        at_ms, patience = self._clock.now_ms(), self._patience
        if self._deadline is not None:
            self._deadline.cancel()
        parts = Parts(self._link, self._toolbox, self._pipeline, self._vendors)
        self._toolbox = None
        self._billed = usage = await let_go(parts, patience)
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch], timeout=patience.close_s)
        ended = SessionEnded(
            reason=ending.reason,
            at_ms=at_ms,
            error=ending.error,
            fault_owner=ending.fault.owner if ending.fault else "",
            usage=usage,
        )
        await self._outbox.aclose(last=ended)
        if self._pipeline is not None:
            self.memory = self._pipeline.memory
            self._pipeline.release()
        return ended
