#!/usr/bin/env python3
"""A server that speaks agent/PROTOCOL.md for one job, and misbehaves as it is told: for tests of the agent.

As a program: fake_server.py IMAGES_DIR DIGEST [PORT]: serves one install and prints what the agent says."""
import http.server, json, os, socket, sys, threading, time, uuid


class FakeServer:
    def __init__(self, images, digest, port=0, selector=""):
        self.images, self.digest, self.selector = images, digest, selector
        self.job, self.token, self.enrol_token = str(uuid.uuid4()), os.urandom(32).hex(), os.urandom(32).hex()
        self.config = {"hostname": "hv-01", "fqdn": "hv-01.lab.example", "authorized_keys": [], "ca_certificates": None, "salt": None}
        self.calls, self.bodies, self.ranges = [], {}, []
        self.cut_after = 0       # bytes of each pack answer, then the connection is closed
        self.rate = 0            # bytes a second of the pack
        self.flip = None         # offset in the pack of a byte that is served wrong
        self.flip_times = 1 << 30
        self.refuse_at_end = False
        self.status = {}         # call -> status code instead of the right answer
        self.silent = set()      # calls whose connection is closed without an answer
        self.turns = []          # (place, of, seconds) of the claims that have to wait, first to last
        self.pack_busy = 0       # pack answers that are 503, with a Retry-After of three seconds
        self.asked_at = []       # when the pack was asked for
        self.known_after = 2     # discover: known at this asking
        self.lock = threading.Lock()
        self.start(port)

    def start(self, port=0):
        handler = type("Handler", (Handler,), {"fake": self})
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.httpd.daemon_threads = True
        self.httpd.handle_error = lambda *args: None  # agents are killed in the middle: that is the test
        self.httpd.connections = []
        self.port = self.httpd.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        for c in self.httpd.connections:  # as a killed process would
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def count(self, call):
        return self.calls.count(call)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def setup(self):
        super().setup()
        self.server.connections.append(self.connection)

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.endpoint(json.loads(body))

    def do_GET(self):
        if self.path.startswith("/agent/"):
            return self.endpoint(None)
        name = self.path[len("/images/"):]
        path = os.path.join(self.fake.images, name)
        if not self.path.startswith("/images/") or ".." in name or not os.path.isfile(path):
            return self.answer(404, {"error": "no such file"})
        if name.endswith("/pack"):
            return self.pack(path)
        with open(path, "rb") as f:
            self.answer(200, f.read())

    def endpoint(self, body):
        f, call = self.fake, self.path.rsplit("/", 1)[1]
        with f.lock:
            f.calls.append(call)
            f.bodies.setdefault(call, []).append(body)
            n = f.calls.count(call)
        if call in f.silent:
            self.close_connection = True
            return
        if call == "progress" and body["done"] == body["total"] and f.refuse_at_end:
            return self.answer(409, {"error": "the job was cancelled"})
        if call in f.status:
            return self.answer(f.status[call], {"error": "told to say so"})
        want = None if call == "discover" else f.enrol_token if call in ("config", "enrol") else f.token
        given = self.headers.get("Authorization")
        if given != (want and "Bearer " + want) and not (call == "failed" and given == "Bearer " + f.enrol_token):
            return self.answer(401, {"error": "no such token"})
        answers = {
            "hello": {"job": f.job, "device": "hv-01", "image": "demo", "version": "20261121T101500Z", "digest": f.digest,
                      "disk_selector": f.selector, "resume": "claim" in f.calls},
            "claim": {"job": f.job, "enrol_token": f.enrol_token, "digest": f.digest},
            "config": f.config,
            "discover": {"known": n >= f.known_after},
        }
        if call == "claim" and f.turns:
            place, of, seconds = f.turns.pop(0)
            return self.answer(503, {"error": "wait", "wait": {"place": place, "of": of, "seconds": seconds}}, [("Retry-After", "1")])
        self.answer(200, answers[call]) if call in answers else self.answer(204)

    def pack(self, path):
        f, size = self.fake, os.path.getsize(path)
        first, last = self.headers["Range"][len("bytes="):].split("-")
        first, last = int(first), min(int(last), size - 1)
        if first >= size:
            return self.answer(416, {"error": "behind the end"}, [("Content-Range", f"bytes */{size}")])
        with f.lock:
            f.asked_at.append(time.monotonic())
            f.pack_busy -= 1
            busy = f.pack_busy >= 0
        if busy:
            return self.answer(503, {"error": "too many streams"}, [("Retry-After", "3")])
        with f.lock:
            f.ranges.append((first, last))
        self.send_response(206)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with open(path, "rb") as file:
            file.seek(first)
            self.stream(file, first, last)

    def stream(self, file, at, last):
        f, sent = self.fake, 0
        while at <= last:
            data = bytearray(file.read(min(256 * 1024, last + 1 - at)))
            with f.lock:
                if f.flip is not None and at <= f.flip < at + len(data) and f.flip_times > 0:
                    data[f.flip - at] ^= 0x40
                    f.flip_times -= 1
            if f.cut_after and sent + len(data) > f.cut_after:
                self.wfile.write(data[:f.cut_after - sent])
                self.close_connection = True
                return
            self.wfile.write(data)
            at, sent = at + len(data), sent + len(data)
            if f.rate:
                time.sleep(len(data) / f.rate)


if __name__ == "__main__":
    fake = FakeServer(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 8080)
    print(f"url {fake.url} token {fake.token} job {fake.job}", flush=True)
    shown = 0
    while True:
        time.sleep(0.2)
        for call in fake.calls[shown:]:
            print(call, json.dumps(fake.bodies[call][-1]), flush=True)
            shown += 1
