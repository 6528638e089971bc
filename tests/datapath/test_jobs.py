"""Which programs of a user's server count as at work. All of them are real ones."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slipway_datapath.jobs import MARKER, Jobs, Process, _parsed

from tests.support.jupyter import wait_until

SHARE = 0.1
NOT_A_PROCESS = 2**30
"""No server: what is found must carry its mark."""
COMPUTING = "while True: pass"


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """What all programs that the test starts carry, and no others."""
    monkeypatch.setenv(MARKER, f"http://127.0.0.1:1/{tmp_path}/")
    return os.environ[MARKER]


@contextmanager
def terminal(*command: str) -> Iterator[int]:
    """A terminal that runs a command; what is written to the number is typed."""
    pid, typed = pty.fork()
    if not pid:
        os.execvp(command[0], command)  # noqa: S606
    try:
        yield typed
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(typed)
        os.waitpid(pid, 0)


@contextmanager
def background(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in a session of its own, without terminal."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as program:
        try:
            yield program
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def shell() -> list[str]:
    return ["bash", "--norc", "--noprofile", "-i"]


def found(jobs: Jobs) -> str | None:
    job = jobs.at_work()
    return job.name if job else None


def test_a_shell_at_its_prompt_is_not_at_work():
    with terminal(*shell()) as typed:
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        os.write(typed, b"PS1=rea; PS1=${PS1}dy\n")
        printed = b""
        while b"ready" not in printed:
            printed += os.read(typed, 1024)
        jobs.at_work()  # what it took to start is past
        assert found(jobs) is None


def test_a_command_in_a_terminal_is_at_work_even_if_it_sleeps():
    with terminal(*shell()) as typed:
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        os.write(typed, b"sleep 600\n")
        assert wait_until(lambda: found(jobs) == "sleep")
        assert found(jobs) == "sleep"
        os.write(typed, b"\x03")
        wait_until(lambda: found(jobs) is None)


def test_a_script_in_a_terminal_is_at_work():
    with terminal(*shell()) as typed:
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        os.write(typed, b"sh -c 'while :; do sleep 600; done'\n")
        wait_until(lambda: found(jobs) == "sleep")


def test_a_task_whose_terminal_has_no_shell_is_at_work():
    with terminal("sleep", "600"):
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        wait_until(lambda: found(jobs) == "sleep")


def test_a_program_without_terminal_is_at_work_while_it_computes():
    gate = "import sys; print(flush=True); sys.stdin.readline()\n"
    with background(sys.executable, "-c", gate + COMPUTING) as program:
        assert program.stdin
        assert program.stdout
        program.stdout.readline()
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        assert [jobs.at_work(), jobs.at_work()] == [None, None]
        program.stdin.write(b"\n")
        program.stdin.flush()
        wait_until(lambda: (job := jobs.at_work()) and job.pid == program.pid)


def test_a_job_that_outlived_its_parents_is_at_work(tmp_path: Path):
    """As nohup in a terminal that was closed, and tmux, leave one behind."""
    told = tmp_path / "pid"
    twice = (
        "import os, sys\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "open(sys.argv[1] + '.new', 'w').write(str(os.getpid()))\n"
        "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", twice + COMPUTING, str(told)], check=True)
    wait_until(told.exists)
    pid = int(told.read_text())
    try:
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        jobs.at_work()
        wait_until(lambda: (job := jobs.at_work()) and job.pid == pid)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_many_short_programs_compute_counts_for_the_one_that_calls_them():
    loop = f"while :; do {sys.executable} -c 'sum(range(10**6))'; done"
    with background("sh", "-c", loop) as program:
        jobs = Jobs(SHARE, server=NOT_A_PROCESS)
        jobs.at_work()
        wait_until(lambda: (job := jobs.at_work()) and job.pid == program.pid)


def test_the_programs_of_another_server_are_its_own(monkeypatch: pytest.MonkeyPatch):
    with terminal("sleep", "600"):
        theirs = Jobs(SHARE, server=NOT_A_PROCESS)
        wait_until(lambda: found(theirs) == "sleep")
        monkeypatch.setenv(MARKER, "http://127.0.0.1:2/another/")
        assert Jobs(SHARE, server=NOT_A_PROCESS).at_work() is None


def test_the_server_itself_is_never_at_work():
    jobs = Jobs(SHARE, server=os.getpid())
    jobs.at_work()
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    job = jobs.at_work()
    assert job is None or job.pid != os.getpid()


def test_children_are_known_without_a_mark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(MARKER)
    with terminal("sleep", "600"):
        jobs = Jobs(SHARE, server=os.getpid())
        wait_until(lambda: found(jobs) == "sleep")


def test_a_machine_that_tells_nothing_has_no_jobs(tmp_path: Path):
    assert Jobs(SHARE, proc=tmp_path / "none").at_work() is None


def test_a_name_may_hold_anything():
    stat = "7 (a) (b c) S 1 2 3 4 5 0 0 0 0 0 10 20 30 40 20 0 1 0 99 0 0"
    expected = Process(7, "a) (b c", 1, 2, 3, 4, 5, ticks=100, started=99)
    assert _parsed(stat) == expected
