"""`LanguageModel` in a process of its own: what the user hears never waits for what the model thinks.

The process is started by `subprocess` and not by `multiprocessing`, because the engine may be a daemonic process of the
latter, which may have no children, and because scripts without `if __name__ == "__main__"` could not start it. Knows
pipes and messages; imports no torch.
"""

import itertools
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.interface import ChatMessage, Generation, LanguageModel, LlmError
from duplex.model.language_models.local_messages import (
    Cancel,
    Forget,
    Generate,
    Load,
    Loaded,
    PieceCame,
    Prefill,
    ProcessEnded,
)
from duplex.model.language_models.stream import PieceStream
from duplex.model.language_models.text_pieces import MakeFilter, PlainText

_PROGRAM: Final = "from duplex.model.language_models.local_worker import main; main()"
_ROOT: Final = Path(__file__).parents[3]
_END_S: Final = 5.0
"""How long the end of a killed process is waited for."""


class LocalProcess(LanguageModel):
    """A local language model. When its process dies, answers under way end with an error, and the next request starts
    a new one."""

    continues = True

    def __init__(
        self,
        config: LanguageModelConfig,
        make_filter: MakeFilter = PlainText,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Waits until the model is loaded; the only call that waits.

        Args:
            config: which model, and how.
            make_filter: removes from answers what nobody is to hear. Must be importable by name.
            now: seconds of a monotonic clock.

        Raises:
            LlmError: it cannot be loaded.
        """
        self._load, self._now = Load(config, make_filter), now
        self._requests = itertools.count()
        self._current: dict[int, PieceStream] = {}
        self._closed = False
        self._process = _Process(self._load)
        try:
            loaded = self._process.loaded.result()
        except BaseException:
            self.close()
            raise
        self.name, self.fingerprint = loaded.name, loaded.fingerprint

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        return self._process.pid

    def generate(
        self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()
    ) -> Generation:
        """See `LanguageModel.generate`.

        Raises:
            LlmError: after `close`.
        """
        if self._closed:
            raise LlmError(f"The language model {self.name} was closed. Open it again.")
        self._cancel(conversation)
        process, request = self._living(), next(self._requests)
        stream = PieceStream(lambda: process.cancel(request), self._now)
        self._current[conversation] = stream
        process.expect(request, stream)
        process.send(Generate(request, conversation, tuple(messages), tuple(tools)))
        return stream

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        """See `LanguageModel.prefill`; reading waits while an answer is under way."""
        if messages and not self._process.over:
            self._process.send(Prefill(conversation, tuple(messages), tuple(tools)))

    def forget(self, conversation: int) -> None:
        """See `LanguageModel.forget`."""
        self._cancel(conversation)
        self._process.send(Forget(conversation))

    def close(self) -> None:
        """End the process, which has nothing to save; answers under way end without a further piece."""
        self._closed = True
        for conversation in list(self._current):
            self._cancel(conversation)
        self._process.kill()

    def _cancel(self, conversation: int) -> None:
        if stream := self._current.pop(conversation, None):
            stream.cancel()

    def _living(self) -> "_Process":
        if self._process.over:
            self._process = _Process(replace(self._load, beside_speech=True))
        return self._process


class _Process:
    """One process: a thread starts it and sends, another receives."""

    def __init__(self, load: Load) -> None:
        self.loaded: Future[Loaded] = Future()
        self.pid: int | None = None
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.send(load)
        self._lock = threading.Lock()
        self._streams: dict[int, PieceStream] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._error = ""
        threading.Thread(target=self._run, args=(load.config.threads,), name="llm-outbox", daemon=True).start()

    @property
    def over(self) -> bool:
        """It has ended, and every stream was told."""
        with self._lock:
            return bool(self._error)

    def expect(self, request: int, stream: PieceStream) -> None:
        """Pieces of `request` go to `stream`; if the process is gone, so does its error."""
        with self._lock:
            if not self._error:
                self._streams[request] = stream
                return
        stream.fail(self._error)

    def send(self, message: object) -> None:
        """Never waits. What cannot go through a pipe is refused here, by `pickle`, and not in the thread."""
        self._outbox.put(pickle.dumps(message))

    def cancel(self, request: int) -> None:
        """Nobody wants the pieces any more."""
        with self._lock:
            self._streams.pop(request, None)
        self.send(Cancel(request))

    def kill(self) -> None:
        """End it."""
        with self._lock:
            self._killed = True
            process = self._process
        self._outbox.put(None)
        if process is not None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)

    def _run(self, threads: int) -> None:
        """Start it, and send until it is gone."""
        try:
            process = _start(threads)
        except OSError as error:
            self._end(f"the language model's process cannot be started ({error.strerror or error}); free some memory")
            return
        with self._lock:
            self._process, self.pid = process, process.pid
            if self._killed:
                process.kill()
        threading.Thread(target=self._receive, args=(process,), name="llm-replies", daemon=True).start()
        assert process.stdin is not None
        with suppress(OSError), process.stdin as pipe:
            while (message := self._outbox.get()) is not None:
                pipe.write(message)
                pipe.flush()

    def _receive(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        error = ""
        with suppress(EOFError, OSError, pickle.UnpicklingError), process.stdout as pipe:
            while not error:
                match pickle.load(pipe):
                    case PieceCame(request, piece):
                        self._pass(request, piece)
                    case Loaded() as loaded:
                        self.loaded.set_result(loaded)
                    case ProcessEnded(reason):
                        error = reason
        process.kill()
        code = process.wait()
        self._end(error or _describe_end(code))
        self._outbox.put(None)

    def _pass(self, request: int, piece: Any) -> None:
        with self._lock:
            stream = self._streams.pop(request, None) if piece.finish else self._streams.get(request)
        if stream is not None:
            stream.put(piece)

    def _end(self, error: str) -> None:
        """The process is gone: every open answer ends with the reason."""
        with self._lock:
            self._error = error
            streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.fail(error)
        if not self.loaded.done():
            self.loaded.set_exception(LlmError(error))


def _start(threads: int) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {"PYTHONPATH": path, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", _PROGRAM], stdin=pipe, stdout=pipe, env=os.environ | settings)


def _describe_end(code: int) -> str:
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    hint = ", perhaps because memory ran out" if code == -9 else ""
    return f"the language model's process ended ({reason}{hint}); the next question starts it again"
