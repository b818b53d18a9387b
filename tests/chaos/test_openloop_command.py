"""`python -m chaos.openloop` as one types it: arrivals, exit codes, one sentence for each mistake."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.openloop import arrivals
from chaos.openloop.__main__ import main
from services.errors import BacklabError
from tests.chaos import scripted
from tests.chaos.scripted import Scripted


def openloop(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the generator as a shell would."""
    argv = [sys.executable, "-m", "chaos.openloop", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@given(st.floats(0.5, 5_000), st.floats(0.01, 5), st.integers(0, 1000))
@settings(deadline=None)
def test_poisson_arrivals_rise_within_the_time_and_are_as_many_as_chance_allows(
    rate: float, seconds: float, seed: int
) -> None:
    """Within six standard deviations of rate times seconds; the same seed gives the same times."""
    due_s = arrivals.due_s("poisson", rate, seconds, seed)
    assert (np.diff(due_s) >= 0).all()
    assert ((due_s >= 0) & (due_s < seconds)).all()
    assert abs(len(due_s) - rate * seconds) <= 6 * np.sqrt(rate * seconds) + 3
    assert np.array_equal(due_s, arrivals.due_s("poisson", rate, seconds, seed))


def test_poisson_gaps_are_as_irregular_as_strangers() -> None:
    """The gaps' standard deviation is their mean; another seed is another crowd of strangers."""
    gaps = np.diff(arrivals.due_s("poisson", 1_000, 50, seed=1))
    assert 0.95 < gaps.std() / gaps.mean() < 1.05
    assert not np.array_equal(gaps[:100], np.diff(arrivals.due_s("poisson", 1_000, 50, seed=2))[:100])


@given(st.integers(1, 2_000), st.integers(1, 10))
def test_constant_arrivals_are_exactly_rate_times_seconds(rate: int, seconds: int) -> None:
    """The first at once, the last one interval before the end."""
    due_s = arrivals.due_s("constant", rate, seconds, seed=0)
    assert len(due_s) == rate * seconds
    assert due_s[0] == 0
    assert np.allclose(np.diff(due_s), 1 / rate)


def test_a_trace_is_sent_as_recorded(tmp_path: Path) -> None:
    """Its requests, at its times, with comments and empty lines left out."""
    trace, record = tmp_path / "trace.txt", tmp_path / "record.npz"
    trace.write_text("# seconds\n0.30\n0.05\n\n0.05 # twice\n0.1\n")
    with Scripted(lambda n: [scripted.OK]) as server:
        done = openloop("--url", server.url, "--trace", str(trace), "--record", str(record))
    assert done.returncode == 0, done.stdout + done.stderr
    kept = np.load(record)
    assert kept["due"].tolist() == [0.05, 0.05, 0.1, 0.3]
    assert kept["outcome"].tolist() == [1, 1, 1, 1]


def test_named_urls_are_arms_and_the_figures_come_as_json() -> None:
    """Exit code 1 where some requests were refused; each arm has its own figures, each refusal its status."""
    gone = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    with Scripted(lambda n: [scripted.OK]) as well, Scripted(lambda n: [gone]) as ill:
        words = ["--url", f"well={well.url}", "--url", f"ill={ill.url}?a=b", "--rate", "50", "--seconds", "1"]
        done = openloop(*words, "--arrivals", "constant", "--json")
    found = json.loads(done.stdout)
    assert (found["arms"]["well"]["ok"], found["arms"]["ill"]["failed"]) == (50, 50)
    assert found["errors"] == {"answered 410": 50}
    assert done.returncode == (2 if found["reasons"] else 1)


def test_asked_for_more_than_it_can_send_it_says_so() -> None:
    """A million a second is beyond any Python: INCONCLUSIVE with both rates, never silently less."""
    with Scripted(lambda n: [scripted.OK]) as server:
        words = ["--rate", "1000000", "--seconds", "0.3", "--timeout-s", "0.5", "--connections", "8"]
        done = openloop("--url", server.url, *words)
    assert done.returncode == 2
    assert "INCONCLUSIVE: " in done.stdout
    assert "asked for 1,000,000 requests/s it sent " in done.stdout


def test_ctrl_c_ends_it_with_the_figures_so_far(tmp_path: Path) -> None:
    """Exit code 130; what had no answer yet is unknown, what was not due yet is not there."""
    record = tmp_path / "record.npz"
    with Scripted(lambda n: [scripted.OK] if n else []) as server:
        words = ["--url", server.url, "--rate", "100", "--seconds", "50", "--timeout-s", "40", "--json"]
        argv = [sys.executable, "-m", "chaos.openloop", *words, "--record", str(record)]
        running = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert running.stderr is not None
        assert "requests/s" in [running.stderr.readline() for _ in range(3)][-1]
        running.send_signal(signal.SIGINT)
        told, complained = running.communicate(timeout=30)
    assert running.returncode == 130
    assert complained.endswith("stopped\n")
    figures = json.loads(told)["arms"]["load"]
    assert 20 < figures["requests"] < 5_000
    assert (figures["ok"] + 1, figures["unknown"], figures["failed"]) == (figures["requests"], 1, 0)
    assert len(np.load(record)["due"]) == figures["requests"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "http://192.0.2.1/"], "refused: http://192.0.2.1/ is not this machine"),
        (["--url", "a=http://example.org/"], "refused: http://example.org/ is not this machine"),
        (["--url", "http://127.0.0.1.example.org/"], "is not this machine"),
        (["--url", "https://127.0.0.1/"], "is no plain http:// address"),
        (["--url", "http://127.0.0.1:99999/"], "has no usable port"),
        (["--url", "http://127.0.0.1:9/"], "nothing can be sent to 127.0.0.1:9 (Connection refused)"),
        (["--url", "http://127.0.0.1/", "--rate", "0"], "there is nothing to send with 0 requests/s"),
        (["--url", "http://127.0.0.1/", "--rate", "nan"], "there is nothing to send with nan requests/s"),
        (["--url", "http://127.0.0.1/", "--rate", "1e9", "--seconds", "100"], "more than 20,000,000"),
        (["--url", "http://127.0.0.1/", "--connections", "0"], "0 connections"),
        (["--url", "http://127.0.0.1/", "--trace", "no_such_file"], "the trace no_such_file cannot be read"),
        (["--url", "http://127.0.0.1/", "--body", "@no_such_file"], "the body no_such_file cannot be read"),
        (["--url", "a=http://127.0.0.1/", "--url", "a=http://127.0.0.1/"], "the same name"),
        (["--url", "http://127.0.0.1/", "--header", "A:b\r\nC:d"], "line break that HTTP forbids"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong and what to do; nothing was sent and nothing hangs. (In this process, for speed.)"""
    code, told = main(words), capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_line_of_a_trace_that_is_no_number_is_named(tmp_path: Path) -> None:
    """With its place in the file."""
    trace = tmp_path / "trace.txt"
    trace.write_text("0.1\n0.2\nsoon\n")
    with pytest.raises(BacklabError, match=r"line 3 of the trace .* is 'soon'"):
        arrivals.trace_file(trace)


@pytest.mark.parametrize("times", [[], [-1.0], [float("nan")], [[0.1]], ["soon"]])
def test_a_trace_without_usable_times_is_refused(times: list[object]) -> None:
    """Before anything is sent."""
    with pytest.raises(BacklabError, match="the trace is no list"):
        arrivals.trace(times)  # type: ignore[arg-type]
