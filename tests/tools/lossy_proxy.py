#!/usr/bin/python3
"""An HTTP proxy in front of one server, which loses one kind of request: lossy_proxy.py --to HOST:PORT --drop PATH [--port 9000].

A request for PATH is read and never passed on; its connection is closed without an answer, as by a cable that was pulled.
All else goes through as it is. Says `listening` and, for each request lost, `dropped PATH`.
"""
import argparse
import http.client
import http.server

HOP = {"connection", "keep-alive", "transfer-encoding"}


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.split("?")[0] == self.server.drop:
            print("dropped", self.path, flush=True)
            self.close_connection = True
            return
        server = http.client.HTTPConnection(self.server.to, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        server.request(self.command, self.path, body or None, headers)
        answer = server.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for k, v in answer.getheaders():
            if k.lower() not in HOP | {"content-length", "date", "server"}:
                self.send_header(k, v)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(data)
        server.close()

    do_GET = do_HEAD = do_POST = pass_on

    def log_message(self, format, *args):
        pass


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--to", required=True)
    p.add_argument("--drop", required=True)
    p.add_argument("--port", type=int, default=9000)
    o = p.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", o.port), Proxy)
    server.to, server.drop = o.to, o.drop
    print("listening", flush=True)
    server.serve_forever()


main()
