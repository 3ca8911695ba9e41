"""A cluster: the queue and the workers, and what stands between them and before them."""

from __future__ import annotations

import sys
import time
from typing import Any

from server_under_test.cluster.linking import Links
from server_under_test.cluster.parts import STOP_SECONDS, Part, Worker
from server_under_test.cluster.watching import Watch
from server_under_test.proxies.front import front_of
from server_under_test.queues.registry import QUEUES, Running
from server_under_test.starting.children import stop_children
from server_under_test.starting.options import Options, without_password
from server_under_test.starting.problems import Problem

START_SECONDS = 60.0


class Cluster:
    """The queue and the workers, and all that stands between them and before them."""

    def __init__(self, options: Options) -> None:
        """Bind the ports: one in use is the most frequent reason to fail. Raises Problem."""
        self.options = options
        self.workers = [Worker(number, options) for number in range(1, options.workers + 1)]
        self.queue: Part | None = None
        self.links: Links | None = None
        self.front = front_of(options, [worker.url for worker in self.workers]) if options.proxy else None
        self.proxy: Part | None = None
        self.watch = Watch()

    @property
    def parts(self) -> list[Part]:
        """Those that have been started."""
        return [part for part in (self.queue, self.links, *self.workers, self.proxy) if part is not None]

    def start(self) -> None:
        """Start all, and return when each worker hears the queue. Raises Problem."""
        options = self.options
        assert options.queue is not None
        row = QUEUES[options.queue]
        running = Running(options.queue_url) if options.queue_url else row.load().start()
        self.queue = Part("queue", f"the queue ({row.title})", running)
        if options.play:
            try:
                self.links = Links(running.url, options)
            except Problem as problem:
                print(f"`cut link`, `freeze link` and `thaw link` do not work: {problem}", file=sys.stderr)
        for number, worker in enumerate(self.workers):
            worker.join(self.links.urls[number] if self.links else running.url)
            worker.begin(self.watch)
        self.wait_until_ready(*self.workers)
        if self.front is not None:
            self.proxy = Part("proxy", self.front.proxy.title, self.front.start())

    def wait_until_ready(self, *workers: Worker) -> None:
        """Raises Problem if one of them ends or takes too long; also for another part while all start."""
        deadline = time.monotonic() + START_SECONDS
        while late := [worker for worker in workers if worker.about is None]:
            if time.monotonic() > deadline:
                raise Problem(f"{late[0].title} was not ready after {START_SECONDS:.0f} s")
            self._complain_about_the_dead()
            self.watch.wait(1.0)

    def describe(self) -> dict[str, Any]:
        """The object after READY: that of the first worker, with the addresses and process ids of all."""
        assert self.queue is not None
        abouts = [worker.about or {} for worker in self.workers]
        urls = [url for about in abouts for url in about["urls"]]
        return {
            **abouts[0],
            "urls": [self.proxy.url] if self.proxy else urls,
            "worker_urls": urls,
            "pids": [pid for about in abouts for pid in about["pids"]],
            "queue_url": without_password(self.queue.url),
            "queue_pids": self.queue.pids,
            "proxy": self.options.proxy,
            "sticky": self.options.sticky,
            "proxy_pids": self.proxy.pids if self.proxy else [],
            "proxy_config": str(self.front.file) if self.front else None,
        }

    def stop(self) -> None:
        """Stop all: the workers first, which tell their clients and leave the queue."""
        self.watch.close()
        for parts in (self.workers, (self.proxy, self.links, self.queue)):
            stop_children([process for part in parts if part for process in part.processes], STOP_SECONDS)
        if self.front is not None:
            self.front.close()

    def _complain_about_the_dead(self) -> None:
        for part in self.parts:
            if part.code is not None and not part.end_is_known:
                raise Problem(f"{part.title} ended with code {part.code}")
