"""Stand-ins for the threads of tools."""

from concurrent.futures import Future

from duplex.model.tools.tool_runner import Outcome, ToolJob


def at_once(job: ToolJob) -> "Future[Outcome]":
    """Run it now."""
    future: Future[Outcome] = Future()
    future.set_result(job())
    return future


def never(job: ToolJob) -> "Future[Outcome]":
    """A tool that hangs."""
    return Future()


class Later:
    """Tools that run when the test says so, in the order in which they were called."""

    def __init__(self) -> None:
        self.waiting: list[tuple[ToolJob, Future[Outcome]]] = []

    def __call__(self, job: ToolJob) -> "Future[Outcome]":
        self.waiting.append((job, Future()))
        return self.waiting[-1][1]

    def run(self) -> None:
        """Run the oldest one that waits."""
        job, future = self.waiting.pop(0)
        future.set_result(job())
