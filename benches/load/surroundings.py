"""What the service needs around it, all on this machine: a private Postgres, a stand-in for Slack, a small lake. Standard library only."""

import hashlib, hmac, json, os, pwd, random, re, shutil, signal, socket, subprocess, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SECRET = "load-signing-secret"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def postgres_programs():
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "psql", "pg_isready")):
            return folder
    raise SystemExit("Postgres is not installed here; on Debian: apt-get install postgresql")


class Postgres:
    """A server on a Unix socket in a folder of its own; as root it runs as the user postgres."""

    def __init__(self, folder):
        self.programs, self.folder, self.process = postgres_programs(), Path(folder), None
        self.user = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            self.user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self.quietly("initdb", "-D", self.folder / "data", "-U", "postgres", "--auth=trust", "--no-locale", "-E", "UTF8")
        self.url = f"postgres://postgres@localhost/postgres?host={urllib.parse.quote(str(folder), safe='')}"

    def quietly(self, program, *arguments):
        subprocess.run([self.programs / program, *arguments], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)

    def start(self):
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
             "-c", "max_connections=200"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **self.user)
        for _ in range(300):
            if subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder]).returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit("Postgres did not start")

    def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        self.process.wait()

    def rows(self, sql):
        """One list of columns a row."""
        asked = subprocess.run([self.programs / "psql", self.url, "-XAtF", "\t", "-c", sql], check=True, text=True,
                               capture_output=True)
        return [line.split("\t") for line in asked.stdout.splitlines()]


class FakeSlack:
    """Answers like Slack, counts what people would see, and fails as often as it is told to."""

    def __init__(self):
        self.lock, self.ids, self.calls, self.posts, self.shares, self.uploads = threading.Lock(), 0, Counter(), [], Counter(), set()
        self.file_of_thread, self.trouble = {}, 0.0
        slack = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                slack.serve(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a caller that was killed
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, handler):
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        path, _, query = handler.path.partition("?")
        if path.startswith("/upload/"):
            with self.lock:
                self.uploads.add(path.rsplit("/", 1)[1])
            return reply(handler, 200, {})
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = dict(urllib.parse.parse_qsl(raw.decode()))
        body.update(urllib.parse.parse_qsl(query))
        method = path.rsplit("/", 1)[1]
        dice = random.random()
        if dice < self.trouble / 3:  # before the effect
            return reply(handler, 503, {})
        if dice < self.trouble * 2 / 3:
            return reply(handler, 429, {"ok": False, "error": "ratelimited"}, {"retry-after": "1"})
        answer = self.answer(method, body)
        if dice < self.trouble:  # after the effect
            return reply(handler, 502, {})
        reply(handler, 200, answer)

    def answer(self, method, body):
        with self.lock:
            self.calls[method] += 1
            self.ids += 1
            number = self.ids
            if method == "chat.postMessage":
                self.posts.append(body)
                return {"ok": True, "channel": body.get("channel"), "ts": f"1700000000.{number:06}"}
            if method == "users.info":
                return {"ok": True, "user": {"locale": "ja-JP"}}
            if method == "conversations.info":
                return {"ok": True, "channel": {"is_member": True, "is_private": False}}
            if method == "files.getUploadURLExternal":
                return {"ok": True, "file_id": f"F{number}", "upload_url": f"{self.origin}/upload/F{number}"}
            if method == "files.completeUploadExternal":
                files = [file["id"] for file in body["files"]]
                if any(file not in self.uploads or file in self.file_of_thread for file in files):
                    return {"ok": False, "error": "file_not_found"}
                for file in files:
                    self.file_of_thread[file] = body["channel_id"]
                self.shares[body.get("thread_ts")] += 1
                return {"ok": True, "files": body["files"]}
            if method == "files.info":
                channel = self.file_of_thread.get(body.get("file"))
                shares = {channel: [{"ts": "1.0"}]} if channel else {}
                return {"ok": True, "file": {"id": body.get("file"), "shares": {"public": shares}}}
        return {"ok": True}


def reply(handler, status, answer, headers={}):
    body = json.dumps(answer).encode()
    try:
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
    except OSError:
        pass  # killed meanwhile


class Bucket:
    """An S3 server (moto) behind a door that may be shut, or open a little late."""

    def __init__(self, program, folder):
        self.port, self.door, self.trouble = free_port(), socket.create_server(("127.0.0.1", 0)), None
        log = open(folder / "moto.log", "w")
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)], stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{self.port}/soak"
        for _ in range(300):
            try:
                self.call("PUT", "")
                break
            except OSError:
                time.sleep(0.1)
        threading.Thread(target=self.open_door, daemon=True).start()

    def environment(self):
        return {"SEGMENT_STORE": "s3://soak", "SEGMENT_S3_PATH_STYLE": "true", "AWS_ACCESS_KEY_ID": "soak",
                "AWS_SECRET_ACCESS_KEY": "soak", "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.door.getsockname()[1]}"}

    def open_door(self):
        while True:
            caller, _ = self.door.accept()
            if self.trouble == "away":
                caller.close()
            else:
                threading.Thread(target=self.pass_on, args=(caller,), daemon=True).start()

    def pass_on(self, caller):
        with caller, socket.create_connection(("127.0.0.1", self.port)) as server:
            back = threading.Thread(target=self.copy, args=(server, caller), daemon=True)
            back.start()
            self.copy(caller, server)
            back.join()

    def copy(self, source, sink):
        try:
            while piece := source.recv(1 << 16):
                if self.trouble == "away":
                    break
                if self.trouble == "slow":
                    time.sleep(0.05)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def forget(self, prefix):
        listed = self.call("GET", f"?list-type=2&prefix={prefix}").decode()
        for key in re.findall(r"<Key>(.*?)</Key>", listed):
            self.call("DELETE", f"/{key}")

    def call(self, method, rest):
        # moto wants a signature, and believes any.
        signature = "AWS4-HMAC-SHA256 Credential=soak/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(self.url + rest, method=method, headers={"authorization": signature})
        return urllib.request.urlopen(request).read()

    def close(self):
        self.process.terminate()
        self.process.wait()


class Surroundings:
    """Everything in one temporary folder, gone at the end. Where moto is installed, the store is S3."""

    def __init__(self, program, users, variables, moto=None):
        self.program = str(Path(program).resolve())
        self.folder = Path(tempfile.mkdtemp(prefix="segment-load-", dir="/var/tmp"))
        os.chmod(self.folder, 0o755)
        (self.folder / "pg").mkdir()
        self.postgres, self.slack, self.port = Postgres(self.folder / "pg"), FakeSlack(), free_port()
        self.postgres.start()
        lake = self.folder / "lake"
        self.environment = {
            **os.environ, "DATABASE_URL": self.postgres.url, "SEGMENT_CATALOG": f"{lake}/catalog.toml",
            "SEGMENT_LAKE": f"file://{lake}", "SEGMENT_STORE": f"file://{lake}", "SEGMENT_CACHE_DIR": str(self.folder / "cache"),
            "SEGMENT_LISTEN": f"127.0.0.1:{self.port}", "SLACK_BOT_TOKEN": "xoxb-load", "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_APP_TOKEN": "", "SLACK_API_URL": f"{self.slack.origin}/api", "SEGMENT_LOG": "warn", **variables,
        }
        self.bucket = Bucket(moto, self.folder) if moto else None
        if self.bucket:
            self.environment.update(self.bucket.environment())
        say(f"making a lake of {users} people and its snapshots …")
        self.run("sample-lake", "--out", lake, "--users", str(users), "--days", "150")
        self.run("features", "build")
        self.service = None

    def run(self, *arguments):
        subprocess.run([self.program, *map(str, arguments)], check=True, env=self.environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def serve(self):
        with open(self.folder / "serve.log", "a") as log:
            self.service = subprocess.Popen([self.program, "serve"], env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        self.wait_ready()

    def wait_ready(self):
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise SystemExit("the service did not become ready:\n" + (self.folder / "serve.log").read_text()[-2000:])

    def signed(self, text, user, trigger):
        """A slash command as Slack sends it: the body, and headers with the v0 signature over this very second."""
        body = urllib.parse.urlencode({"command": "/segment", "text": text, "user_id": user, "channel_id": f"C{user}", "team_id": "T1",
                                       "trigger_id": trigger}).encode()
        stamp = str(int(time.time()))
        mac = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return body, {"content-type": "application/x-www-form-urlencoded", "x-slack-request-timestamp": stamp,
                      "x-slack-signature": f"v0={mac}"}

    def types(self, text, user, trigger, timeout=5):
        body, headers = self.signed(text, user, trigger)
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/slack/command", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()

    def close(self):
        if self.service and self.service.poll() is None:
            self.service.send_signal(signal.SIGTERM)
            try:
                self.service.wait(40)
            except subprocess.TimeoutExpired:
                self.service.kill()
        self.postgres.stop()
        if self.bucket:
            self.bucket.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def memory_mib(pid):
    """Resident memory of one process; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def children(pid):
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def busy_and_total():
    """Ticks of all cores since boot: working, and all."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def say(text):
    print(text, flush=True)
