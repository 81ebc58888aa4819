"""The service as a process: large and slow clients, crowds, signals, ports."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import signal
import socket
import statistics
import sys
import threading
import time

import httpx
import pytest
from PIL import Image

from convscope.errors import OutputError
from convscope.serving import listening

from .conftest import Running, run_in_thread

MB = 1_000_000


def send(port: int, *parts: bytes, patience: float = 20.0) -> bytes:
    """Raw bytes to the service; what it answered until it closed the connection, or until the client is cut off."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as client:
        try:
            for part in parts:
                client.sendall(part)
        except OSError:
            pass  # cut off while writing: there may be an answer nevertheless
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer


def upload(port: int, megabytes: int, chunked: bool) -> bytes:
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {megabytes * MB}"
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n{length}\r\n\r\n".encode()
    piece = b"%x\r\n" % MB + bytes(MB) + b"\r\n" if chunked else bytes(MB)
    return send(port, head, *([piece] * megabytes), b"0\r\n\r\n" if chunked else b"")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_upload_is_refused_in_little_memory(running, chunked):
    upload(running.port, 1, chunked)
    before = running.memory()
    for _ in range(3):
        answer = upload(running.port, 100, chunked)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"connection: close" in answer.lower(), answer[:200]
        assert b"16 MB" in answer
    assert running.memory() - before < 20 * MB
    assert httpx.get(f"{running.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize("pieces", [1, 10])
def test_a_header_that_is_too_long_is_refused_however_it_comes(running, pieces):
    line = b"X-A: " + b"a" * (100_000 // pieces) + b"\r\n"
    head = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    answer = send(running.port, head, *[line] * pieces, b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b"header of the request is too long" in answer
    allowed = b"X-A: " + b"a" * 30_000 + b"\r\nConnection: close\r\n\r\n"
    assert send(running.port, head + allowed).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_a_hundred_huge_uploads_leave_nothing_behind(running):
    for chunked in (False, True):
        for _ in range(5):
            upload(running.port, 100, chunked)
        before = running.memory()
        for _ in range(100):
            assert upload(running.port, 100, chunked).startswith(b"HTTP/1.1 413 ")
        assert running.memory() - before <= 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="memory goes back to the system with glibc only")
def test_the_memory_of_large_pictures_goes_back_to_the_system(running):
    encoded = io.BytesIO()
    Image.new("RGBA", (4200, 4000), (200, 100, 0, 128)).save(encoded, "PNG", compress_level=1)
    before = running.memory()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        send = lambda _: httpx.post(f"{running.url}/predict", content=encoded.getvalue(), timeout=60)  # noqa: E731
        assert [answer.status_code for answer in pool.map(send, range(4))] == [200] * 4
    assert running.memory() - before < 60 * MB


def test_head_ends_where_get_goes_on_for_ever(running):
    with httpx.Client(base_url=running.url, timeout=5) as client:
        answer = client.head("/api/training/live")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        assert client.get("/health").status_code == 200  # on the same connection


def test_httpx_reads_why_it_was_refused(running):
    for content in (bytes(30 * MB), iter([bytes(MB)] * 30)):
        answer = httpx.post(f"{running.url}/predict", content=content, headers={"content-type": "image/png"})
        assert answer.status_code == 413 and answer.json()["error"]["zh"]
    foreign = {"origin": "https://evil.example", "content-type": "image/png"}
    assert httpx.post(f"{running.url}/predict", content=bytes(5 * MB), headers=foreign).status_code == 403


def test_slow_clients_are_cut_off_and_disturb_nobody(digits_run, tmp_path, digit):
    running = Running(tmp_path, str(digits_run.folder), "--port", "0", impatient=True)
    usual = [predict(running, digit) for _ in range(20)]
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    kinds = [
        b"",
        b"GET /",
        head,
        head + b"Content-Length: 1000\r\n\r\nabc",
        head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc",
    ]
    started, ended = time.monotonic(), []

    def trickle(beginning: bytes) -> None:
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
            client.sendall(beginning)
            client.settimeout(1)
            while time.monotonic() < started + 30:
                try:
                    if beginning:
                        client.sendall(b"a" if b"chunked" not in beginning else b"\r\n1\r\nx")
                    if not client.recv(1000):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            ended.append(time.monotonic() - started)

    reset: list[int] = []
    # Of so many responses the service holds a part itself, of one the system holds all.
    requests = [1000, *([1] if hasattr(socket, "TCP_USER_TIMEOUT") else [])]
    readers = [threading.Thread(target=read_nothing, args=(running.port, number, reset)) for number in requests]
    for reader in readers:
        reader.start()
    threads = [threading.Thread(target=trickle, args=(kinds[i % len(kinds)],)) for i in range(50)]
    for thread in threads:
        thread.start()
    meanwhile = [predict(running, digit) for _ in range(20)]
    for thread in [*threads, *readers]:
        thread.join()
    running.stop()
    assert sorted(reset) == sorted(requests), "a client that reads nothing was not cut off"
    assert len(ended) == 50 and min(ended) >= 2 and max(ended) < 7, (min(ended), max(ended))
    assert statistics.median(meanwhile) < 5 * statistics.median(usual) + 0.2


def read_nothing(port: int, requests: int, reset: list[int]) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(("127.0.0.1", port))
        client.settimeout(10)
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * requests)
        time.sleep(9)  # idle connections are closed after 5
        with pytest.raises(ConnectionResetError):  # what the system still holds would take minutes at this pace
            while client.recv(1000):
                pass
        reset.append(requests)


def predict(running: Running, digit: bytes) -> float:
    started = time.perf_counter()
    assert httpx.post(f"{running.url}/predict", content=digit).status_code == 200
    return time.perf_counter() - started


def test_a_crowd_is_answered_or_told_to_come_back(running, digit):
    async def crowd() -> list[httpx.Response]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60) as client:
            return await asyncio.gather(*(client.post(f"{running.url}/predict", content=digit) for _ in range(200)))

    answers = run_in_thread(crowd())
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 32
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "1" and answer.json()["error"]["zh"]


def under_load(running: Running, digit: bytes, number: int) -> tuple[int, list[object], float]:
    """The exit code, every outcome of clients that go on asking, and how long the end took."""
    outcomes: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=20) as client:
            while not stop.is_set():
                try:
                    outcomes.append(client.post(f"{running.url}/predict", content=digit).status_code)
                except httpx.ConnectError:
                    return  # nobody is listening any more
                except httpx.TransportError as problem:
                    outcomes.append(problem)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(ask) for _ in range(8)]
        time.sleep(1)
        started = time.monotonic()
        running.process.send_signal(number)
        code = running.process.wait(15)
        took = time.monotonic() - started
        stop.set()
        concurrent.futures.wait(clients)
    return code, outcomes, took


def test_a_signal_lets_what_is_in_flight_end(digits_run, tmp_path, digit):
    running = Running(tmp_path, str(digits_run.folder), "--port", "0")
    code, outcomes, took = under_load(running, digit, signal.SIGTERM)
    assert code == 143 and took < 10
    assert set(outcomes) == {200} and len(outcomes) > 10
    assert "Traceback" not in running.errors() and running.errors().strip() in ("stopped", "")
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", running.port))
    running.stop()


@pytest.mark.slow
@pytest.mark.parametrize("time", range(20))
def test_twenty_times(digits_run, tmp_path, digit, time):
    test_a_signal_lets_what_is_in_flight_end(digits_run, tmp_path, digit)


def test_a_slow_client_cannot_keep_it_from_ending(digits_run, tmp_path):
    running = Running(tmp_path, str(digits_run.folder), "--port", "0", impatient=True)
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(head)
        live = httpx.stream("GET", f"{running.url}/api/training/live")
        with live as answer:
            assert answer.status_code == 200
        started = time.monotonic()
        assert running.stop(signal.SIGINT) == 130
        assert time.monotonic() - started < 6


def test_a_port_that_is_taken(running, command, digits_run, monkeypatch):
    answer = command("serve", digits_run.folder, "--port", running.port)
    assert answer.returncode == 7 and answer.stdout == ""
    assert f"127.0.0.1:{running.port} is in use" in answer.stderr and "try --port" in answer.stderr
    monkeypatch.setattr(listening, "DEFAULT_PORT", running.port)
    with listening.listen("127.0.0.1", None) as free:  # nobody asked for this very one
        assert running.port < free.getsockname()[1] < running.port + 100
        assert listening.address_of(free) == f"http://127.0.0.1:{free.getsockname()[1]}"
    with listening.listen("[::1]", 0) as bracketed:
        assert listening.address_of(bracketed).startswith("http://[::1]:")
    for host in ("no.such.host.invalid", "256.1.1.1", "192.0.2.1"):
        with pytest.raises(OutputError, match=host.replace(".", r"\.")):
            listening.listen(host, 0)


def test_what_cannot_be_served_is_one_line(command, tmp_path):
    answer = command("serve", "nothing-here")
    assert answer.returncode == 4 and answer.stderr.count("\n") == 1 and "nothing-here" in answer.stderr
    assert command("serve", "--port", "70000").returncode == 2
