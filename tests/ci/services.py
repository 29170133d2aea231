"""Fakes of the two services, as far as comments go: they know who asks, and page by two."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service:
    """Comments of one pull or merge request, and each request that came."""

    def __init__(self, token, login):
        self.token, self.login = token, login
        self.comments, self.requests, self.refuse = [], [], None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                service.requests.append((self.command, self.path))
                status, answered, headers = service.respond(self.command, self.path, self.headers, body)
                data = json.dumps(answered).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def say(self, author, body):
        self.comments.append({"id": 100 + len(self.comments), "author": author, "body": body})
        return self.comments[-1]

    def own(self):
        return [comment for comment in self.comments if comment["author"] == self.login]

    def edit(self, number, body):
        for comment in self.comments:
            if comment["id"] == number:
                # A token with the right to write may edit everybody's comments: not to do so is the client's duty.
                comment["body"] = body
                return 200, {"id": number}, {}
        return 404, {"message": "Not Found"}, {}


class GitHub(Service):
    def respond(self, method, path, headers, body):
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials"}, {}
        if method == "POST" and path == "/graphql":
            start = int(body["variables"]["after"] or 0)
            assert body["variables"]["owner"] == "acme" and body["variables"]["name"] == "deploy"
            assert body["variables"]["number"] == 7
            nodes = [
                {"databaseId": comment["id"], "body": comment["body"], "viewerDidAuthor": comment["author"] == self.login}
                for comment in self.comments[start : start + 2]
            ]
            more = {"hasNextPage": start + 2 < len(self.comments), "endCursor": str(start + 2)}
            return 200, {"data": {"repository": {"pullRequest": {"comments": {"nodes": nodes, "pageInfo": more}}}}}, {}
        if self.refuse:
            return self.refuse, {"message": "Resource not accessible by integration"}, {}
        if body and len(body["body"]) > 65536:
            return 422, {"message": "Body is too long (maximum is 65536 characters)"}, {}
        if method == "POST" and path == "/repos/acme/deploy/issues/7/comments":
            return 201, {"id": self.say(self.login, body["body"])["id"]}, {}
        edited = re.fullmatch(r"/repos/acme/deploy/issues/comments/(\d+)", path)
        if method == "PATCH" and edited:
            return self.edit(int(edited[1]), body["body"])
        return 404, {"message": "Not Found"}, {}


class GitLab(Service):
    ids = {"project_4_bot": 50}

    def respond(self, method, path, headers, body):
        if headers.get("PRIVATE-TOKEN") != self.token:
            return 401, {"message": "401 Unauthorized"}, {}
        path, _, query = path.partition("?")
        notes = "/api/v4/projects/4/merge_requests/7/notes"
        if method == "GET" and path == "/api/v4/user":
            return 200, {"id": self.ids[self.login], "username": self.login}, {}
        if method == "GET" and path == notes:
            page = int(re.search(r"\bpage=(\d+)", query)[1])
            found = [
                {"id": comment["id"], "body": comment["body"], "author": {"id": self.ids.get(comment["author"], 1)}}
                for comment in self.comments[page * 2 - 2 : page * 2]
            ]
            return 200, found, {"X-Next-Page": str(page + 1) if page * 2 < len(self.comments) else ""}
        if self.refuse:
            return self.refuse, {"message": "403 Forbidden"}, {}
        if method == "POST" and path == notes:
            return 201, {"id": self.say(self.login, body["body"])["id"]}, {}
        if method == "PUT" and path.startswith(f"{notes}/"):
            return self.edit(int(path.rsplit("/", 1)[1]), body["body"])
        return 404, {"message": "404 Not found"}, {}
