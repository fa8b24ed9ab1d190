"""How long a connection may do nothing. uvicorn waits for ever for the end of a request's head and for a client
that does not read; a few hundred such connections would shut everybody else out."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 whose connections are cut `wait` seconds after their opening, or after the last answer, where no whole
    head of a request has come; and `wait` seconds after their client stopped reading."""

    wait = 10.0

    @classmethod
    def waiting(cls, seconds: float) -> type["ImpatientProtocol"]:
        return type(cls.__name__, (cls,), {"wait": seconds})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._expect_a_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel("_late")  # its body has a time of its own: `guard`
        else:
            self._expect_a_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel("_stalled")
        self._stalled = self.loop.call_later(self.wait, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel("_stalled")

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_a_request()  # closing waits for a client that reads its answer's end

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel("_late")
        self._cancel("_stalled")

    def _expect_a_request(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.wait, self.transport.abort)

    def _cancel(self, name: str) -> None:
        timer = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)
