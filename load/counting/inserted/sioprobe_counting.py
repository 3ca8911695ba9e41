"""Counts calls and bytecodes of the process that it is loaded into.

Python 3.12 and later count by `sys.monitoring`. Python 3.11 counts by hooks in C (`hooks.c`), compiled when
first needed and kept; without a compiler by `sys.setprofile`, which sees calls only and is slower.

Each process has two files in the folder: PID.counts, mapped to memory (64-bit numbers: Python calls, calls
of C functions, bytecodes, number of the way of counting, 60 spare ones, then calls of each function), and
PID.names with a line for each function: its number, its name, its place. It imports little, because the
server finds loaded what is loaded here.
"""

import contextlib
import hashlib
import itertools
import mmap
import os
import subprocess
import sys
import threading
from types import CodeType, FrameType, ModuleType
from typing import Any

HEAD = 64
SLOTS = 60_000
SIZE = (HEAD + SLOTS) * 8
HOOKS, MONITORING, SETPROFILE = 1, 2, 3


class _Counts:
    """The two files of this process."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.slots: dict[Any, int] = {}
        self._next = itertools.count()
        self._open()

    def _open(self) -> None:
        path = os.path.join(self.folder, str(os.getpid()))
        file = os.open(path + ".counts", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.ftruncate(file, SIZE)
        self.map = mmap.mmap(file, SIZE)
        os.close(file)
        self.numbers = memoryview(self.map).cast("q")
        self.names = os.open(path + ".names", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)

    def after_fork(self) -> None:
        """A child counts in files of its own, with the slots that it inherited."""
        with open(os.path.join(self.folder, f"{os.getppid()}.names"), "rb") as file:
            names = file.read()
        way = self.numbers[3]
        self._open()
        os.write(self.names, names)
        self.numbers[3] = way

    def slot(self, key: Any, name: str, place: str) -> int:
        """The slot of a function that is seen for the first time."""
        # Another thread may run in the middle of this, hence a counter of one step and numbered lines.
        number = min(next(self._next), SLOTS - 1)
        self.slots[key] = number + HEAD
        line = f"{number}\t{name}\t{place}".replace("\n", " ") + "\n"
        os.write(self.names, line.encode("utf-8", "replace"))
        return number + HEAD


def start(folder: str) -> None:
    """Count from here on."""
    counts = _Counts(folder)
    if sys.version_info >= (3, 12):
        counts.numbers[3] = MONITORING
        _monitor(counts)
        os.register_at_fork(after_in_child=counts.after_fork)
        return
    hooks = _hooks()
    if hooks is None:
        counts.numbers[3] = SETPROFILE
        _set_profile(counts)
        os.register_at_fork(after_in_child=counts.after_fork)
        return
    counts.numbers[3] = HOOKS
    hooks.use(counts.numbers, counts.names, HEAD, SLOTS)

    def after_fork() -> None:
        counts.after_fork()
        hooks.use(counts.numbers, counts.names, HEAD, SLOTS)

    def begin(frame: FrameType, event: str, argument: Any) -> None:
        # A new thread calls this once, and from then on the hook in C.
        hooks.enable()

    os.register_at_fork(after_in_child=after_fork)
    threading.setprofile(begin)
    hooks.enable()


def _name_of(function: Any) -> str:
    """`time.monotonic` or `dict.get`: with the type that defines it, for an object may be of a subclass."""
    name = getattr(function, "__name__", None) or type(function).__name__
    owner = getattr(function, "__objclass__", None)
    bound = getattr(function, "__self__", None)
    if owner is None and bound is not None and not isinstance(bound, ModuleType):
        kind = bound if isinstance(bound, type) else type(bound)
        owner = next((base for base in kind.__mro__ if name in base.__dict__), kind)
    return f"{getattr(owner, '__name__', None) or getattr(function, '__module__', None) or 'builtins'}.{name}"


def _monitor(counts: _Counts) -> None:
    monitoring = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    events = monitoring.events
    numbers, slots = counts.numbers, counts.slots
    python = type(_monitor), type(counts.after_fork), type

    def started(code: CodeType, _offset: int) -> None:
        numbers[0] += 1
        slot = slots.get(code)
        if slot is None:
            slot = counts.slot(code, code.co_qualname, f"{code.co_filename}:{code.co_firstlineno}")
        numbers[slot] += 1

    def resumed(_code: CodeType, _offset: int) -> None:
        numbers[0] += 1

    def called(_code: CodeType, _offset: int, function: Any, _first: Any) -> None:
        if isinstance(function, python):
            return
        numbers[1] += 1
        # Bound methods of builtins are new objects each time: their name is what stays.
        name = _name_of(function)
        slot = slots.get(name)
        if slot is None:
            slot = counts.slot(name, name, "C")
        numbers[slot] += 1

    def executed(_code: CodeType, _offset: int) -> None:
        numbers[2] += 1

    tool = monitoring.PROFILER_ID
    monitoring.use_tool_id(tool, "sioprobe")
    monitoring.register_callback(tool, events.PY_START, started)
    monitoring.register_callback(tool, events.PY_RESUME, resumed)
    monitoring.register_callback(tool, events.CALL, called)
    monitoring.register_callback(tool, events.INSTRUCTION, executed)
    monitoring.set_events(tool, events.PY_START | events.PY_RESUME | events.CALL | events.INSTRUCTION)


def _set_profile(counts: _Counts) -> None:
    numbers, slots = counts.numbers, counts.slots

    def called(frame: FrameType, event: str, function: Any) -> None:
        key: Any
        if event == "call":
            numbers[0] += 1
            key = frame.f_code
            slot = slots.get(key)
            if slot is None:
                slot = counts.slot(key, key.co_qualname, f"{key.co_filename}:{key.co_firstlineno}")
        elif event == "c_call":
            numbers[1] += 1
            key = _name_of(function)
            slot = slots.get(key)
            if slot is None:
                slot = counts.slot(key, key, "C")
        else:
            return
        numbers[slot] += 1

    threading.setprofile(called)
    sys.setprofile(called)


def _hooks() -> Any:
    """The hooks in C, compiled for this interpreter when there are none yet; None without a compiler."""
    import importlib.machinery
    import importlib.util
    import sysconfig

    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hooks.c")
    with open(source, "rb") as file:
        text = file.read()
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
    mark = hashlib.sha256(text + sys.version.encode() + sys.base_prefix.encode()).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    target = os.path.join(cache, "sioprobe", "counting", mark, "sioprobe_hooks" + suffix)
    if not os.path.exists(target):
        beside = f"{target}.{os.getpid()}"
        compiler = os.environ.get("CC") or "cc"
        include = sysconfig.get_path("include")
        environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            subprocess.run(
                [*compiler.split(), "-O2", "-shared", "-fPIC", f"-I{include}", source, "-o", beside],
                check=True, capture_output=True, timeout=60, env=environment,
            )  # fmt: skip
            os.replace(beside, target)
        except (OSError, subprocess.SubprocessError):
            with contextlib.suppress(OSError):
                os.unlink(beside)
            return None
    try:
        loader = importlib.machinery.ExtensionFileLoader("sioprobe_hooks", target)
        spec = importlib.util.spec_from_loader("sioprobe_hooks", loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError:
        return None
    return module
