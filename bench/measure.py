"""How long a pipeline takes, and how much memory."""

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import time
from typing import NamedTuple

# The kernel counts the memory of a process from before its exec, too, and Python would be larger
# than what is measured.  So a shell starts each program in the background, which makes a small
# process of it, and goes; the program, now an orphan, comes to the subreaper, which is us.
PR_SET_CHILD_SUBREAPER = 36
START = 'exec 3<&0; "$@" <&3 3<&- &'


class Failed(Exception):
    """A program of the pipeline ended with another status than 0, or not at all."""


class Measure(NamedTuple):
    """What a pipeline took.

    A program that starts others (GNU tar its compressor) counts with the largest of them alone;
    the programs of a pipeline are added up.
    """
    seconds: float
    nbytes: int


def give_up(_signal, _frame):
    raise Failed("not done in time")


def measure(*stages, output, patience=0):
    """Run the commands of ${stages}, joined by pipes; what the last one says goes to ${output}.

    Those that are not done after ${patience} seconds, unless that is 0, are ended.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(patience)
    groups = []
    begun = time.monotonic()
    try:
        with contextlib.ExitStack() as files:
            groups += start(stages, files, output)
        ends = [os.wait4(-1, 0) for _ in stages]
    except BaseException:
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        raise
    finally:
        signal.alarm(0)
    seconds = time.monotonic() - begun

    if any(status for _, status, _ in ends):
        raise Failed("failed: " + " | ".join(map(shlex.join, stages)))
    return Measure(seconds, sum(usage.ru_maxrss for _, _, usage in ends) * 1024)


def start(stages, files, output):
    """Start all of ${stages}; yields the process group of each."""
    stdin = files.enter_context(open(os.devnull, "rb"))
    for stage in stages:
        if stage is stages[-1]:
            stdout = files.enter_context(open(output, "wb"))
        else:
            reader, writer = os.pipe()
            stdout = files.enter_context(open(writer, "wb"))
        shell = subprocess.Popen(["/bin/sh", "-c", START, "sh", *stage],
                                 stdin=stdin, stdout=stdout, start_new_session=True)
        yield shell.pid
        shell.wait()
        # The other end must see that a program is gone, which it does not while we hold the pipe.
        stdin.close()
        stdout.close()
        if stage is not stages[-1]:
            stdin = files.enter_context(open(reader, "rb"))
