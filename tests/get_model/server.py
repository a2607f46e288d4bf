"""A server on loopback that gives one file as Hugging Face does, and as it should not.

    server.py FILE LOG PORT_FILE

The first part of a request's path says how (see `ways`); the rest is the hub's: /WAY/OWNER/NAME/resolve/REVISION/
pytorch_model.bin. The port goes into PORT_FILE when the server answers, and a line "METHOD PATH RANGE" for each request
into LOG.
"""
import hashlib
import http.server
import os
import sys

BREAK = 50000
WHOLE = open(sys.argv[1], "rb").read()
SUM = hashlib.sha256(WHOLE).hexdigest()

# What the hub tells (its own size and SHA-256 when not given), and how the bytes come.
ways = {
    "hub": {},
    "breaks": {"limit": BREAK},  # every answer ends after BREAK bytes
    "stuck": {"limit": BREAK, "resumes": False},  # the first one too; later ones give nothing
    "no-ranges": {"ranges": False, "limit_once": BREAK},
    "too-short": {"body": WHOLE[:-1]},
    "too-long": {"body": WHOLE + b"x"},
    "other-bytes": {"body": WHOLE[:-1] + bytes([WHOLE[-1] ^ 1])},
    "huge": {"size": 10**15},
    "no-model": {"body": b"hello", "size": 5, "sum": hashlib.sha256(b"hello").hexdigest()},
    "plain": {"hub": False},  # no redirect, no SHA-256
    "plain-no-length": {"hub": False, "length": False},
    "missing": {"code": 404},
    "private": {"code": 401},
    "down": {"code": 503},
    "no-head": {"hub": False, "head": 405},
}
broken_once = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def empty(self, code, headers=()):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self):
        with open(sys.argv[2], "a") as log:
            print(self.command, self.path, self.headers.get("Range", "-"), file=log)
        name, _, rest = self.path.lstrip("/").partition("/")
        way = ways[name]
        if "code" in way:
            return self.empty(way["code"])
        if self.command == "HEAD" and "head" in way:
            return self.empty(way["head"])
        if way.get("hub", True) and not rest.startswith("bytes/"):
            if rest.startswith("flair/ner-german/"):  # a repository that has another name now
                return self.empty(307, [("Location", self.path.replace("ner-german", "ner-deutsch"))])
            return self.empty(302, [
                ("X-Linked-Size", way.get("size", len(WHOLE))),
                ("X-Linked-Etag", f'"{way.get("sum", SUM)}"'),
                ("Location", f"/{name}/bytes/{SUM}"),
            ])
        self.bytes(name, way)

    def bytes(self, name, way):
        body = way.get("body", WHOLE)
        begin, range_asked = 0, self.headers.get("Range", "")
        if range_asked.startswith("bytes=") and way.get("ranges", True):
            begin = int(range_asked[6:].split("-")[0])
            if begin >= len(body):
                return self.empty(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if way.get("length", True):
            self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        if self.command == "HEAD":
            return
        rest = body[begin:]
        if "limit_once" in way and name not in broken_once:
            broken_once.add(name)
            rest = rest[: way["limit_once"]]
        if "limit" in way:
            rest = rest[: way["limit"] if begin == 0 or way.get("resumes", True) else 0]
        self.wfile.write(rest)

    do_GET = do_HEAD = answer


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[3] + ".new", "w") as port:
    print(server.server_address[1], file=port)
os.rename(sys.argv[3] + ".new", sys.argv[3])
server.serve_forever()
