"""The corpus of requests: how it is read, sent and made comparable.

A corpus file is JSON lines, one request each, sent in order to a server of its own:

    case     name of the request inside its file
    method   HTTP method
    path     absolute, or relative to /api/2.0/mlflow/
    body     JSON body; "raw" instead is sent as it stands
    headers  replaces the default header Content-Type: application/json
    save     {name: where in the answer}, for {{name}} in later requests
    pick     the part of a successful answer that is compared, such as runs[].info.run_name
    text     false: the wording of the error message is not compared
    vectors  a dialect: the line stands for one request per filter (or order_by) of that dialect in
             pure/filter/testdata/vectors.json, with {{vector}} in its place
    verdict  vectors whose rows cannot be compared, since they depend on an id

Inside strings {{x*300}} stands for 300 times x. Inside a list {"$repeat": N, "of": X} stands for N items X,
with {{i}} counting from 0.

Normalising replaces what differs from one server to the next: saved ids by their names, other ids, generated
run names, page tokens, the moments of the run itself and what a database says. Lists that have no order on the
wire are sorted.
"""

import http.client
import json
import pathlib
import re
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[3] / "pure/filter/testdata/vectors.json"
ROOT = "/api/2.0/mlflow/"
DAY = 86_400_000


def files():
    return sorted((HERE / "corpus").glob("*.jsonl"))


def golden_file(corpus):
    return HERE / "golden" / corpus.name


def load(corpus):
    """The requests of a corpus file, vectors written out; two requests of one name are an error."""
    requests = []
    for number, line in enumerate(corpus.read_text().splitlines(), 1):
        try:
            request = json.loads(line)
        except ValueError as e:
            raise ValueError(f"{corpus.name}:{number}: {e}") from e
        requests += list(vectors(request)) if "vectors" in request else [request]
    names = [r["case"] for r in requests]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise ValueError(f"{corpus.name}: cases named twice: {doubled}")
    return requests


def vectors(line):
    known = json.loads(VECTORS.read_text())
    seen = {}
    key = "order_by" if line.get("orders") else "filter"
    for v in known["orders" if line.get("orders") else "filters"]:
        if v["dialect"] != line["vectors"]:
            continue
        seen[v["id"]] = seen.get(v["id"], 0) + 1
        request = {k: x for k, x in line.items() if k not in ("vectors", "orders", "verdict")}
        if v["id"] in line.get("verdict", ()):
            request["pick"] = "nothing"
        request["case"] = f"{line['case']}-{v['id']}-{seen[v['id']]}"
        request["vector"] = v
        request["bind"] = {"vector": v[key]}
        yield request


class Session:
    """Sends requests to one server and remembers what they saved."""

    def __init__(self, url):
        self.host = urllib.parse.urlsplit(url).netloc
        self.saved = {}

    def send(self, request):
        """Sends one request, in a millisecond of its own; returns its normalised answer."""
        now = int(time.time() * 1000)
        while int(time.time() * 1000) == now:
            time.sleep(0.0002)  # a fast server would otherwise give two things the same time of creation
        bind = {**self.saved, **request.get("bind", {})}
        path = fill(request["path"], {k: in_query(v) for k, v in bind.items()})
        if not path.startswith("/"):
            path = ROOT + path
        body = None
        if "raw" in request:
            body = fill(request["raw"], bind).encode()
        elif "body" in request:
            body = json.dumps(fill(request["body"], bind)).encode()
        elif request["method"] not in ("GET", "DELETE"):
            body = b""
        headers = request.get("headers", {"Content-Type": "application/json"} if body is not None else {})
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(request["method"], path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        media = (answer.headers.get_content_type() or "") if content else ""
        parsed, is_json = content.decode("utf-8", "replace"), False
        if media == "application/json":
            try:
                parsed, is_json = json.loads(content), True
            except ValueError:
                pass
        if answer.status < 300:
            for name, where in request.get("save", {}).items():
                self.saved[name] = dig(parsed, where)
        if answer.status < 300 and is_json and "pick" in request:
            words = request["pick"].replace("[]", "").split(".")
            body = {"picked": self.normal(dig(parsed, request["pick"]), words[-1], words[-2] if len(words) > 1 else "")}
        else:
            body = self.normal(parsed)
        out = {"case": request["case"], "status": answer.status, "type": media, "body": body}
        kept = {h: self.normal(answer.headers[h]) for h in request.get("keep", []) if h in answer.headers}
        if kept:
            out["headers"] = kept
        return out

    def normal(self, value, key="", parent=""):
        if isinstance(value, dict):
            out = {k: self.normal(v, k, key) for k, v in value.items()}
            if out.get("key") == "mlflow.runName":
                out["value"] = name(out["value"])
            return out
        if isinstance(value, list):
            out = [self.normal(v, key, parent) for v in value]
            unordered = key in ("tags", "params", "aliases") or (key == "metrics" and parent == "data")
            if unordered and all(isinstance(v, dict) for v in out):
                out.sort(key=lambda v: json.dumps(v, sort_keys=True))
            return out
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int) and abs(value - time.time() * 1000) < DAY:
            return "<now>"
        if not isinstance(value, str):
            return value
        if key == "next_page_token":
            return "<token>" if value else value
        if key in ("run_name", "name"):
            value = name(value)
        value = re.sub(r"(?s)\(sqlite3\.\w+\).*", "<words of a database>", value)
        for saved, known in sorted(self.saved.items(), key=lambda kv: -len(str(kv[1]))):
            if isinstance(known, str) and len(known) >= 8:
                value = value.replace(known, "{{" + saved + "}}")
        value = re.sub(r"\b(m-)?[0-9a-f]{32}\b", r"\1<id>", value)
        return value if len(value) <= 400 else f"{value[:40]}… {len(value)} characters"


def in_query(value):
    """A value as it stands in a path or after order_by= in a query."""
    values = value if isinstance(value, list) else [value]
    return "&order_by=".join(urllib.parse.quote(str(v), safe="") for v in values)


def name(value):
    """A name that the server made up reads <name>."""
    return "<name>" if re.fullmatch(r"[a-z]+-[a-z]+-\d+", str(value)) else value


def fill(value, bind):
    """Puts values in the place of {{name}} and writes repetitions out."""
    if isinstance(value, dict):
        return {fill(k, bind): fill(v, bind) for k, v in value.items()}
    if isinstance(value, list):
        out = []
        for v in value:
            if isinstance(v, dict) and "$repeat" in v:
                out += [fill(v["of"], {**bind, "i": i}) for i in range(v["$repeat"])]
            else:
                out.append(fill(v, bind))
        return out
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\{\{(\w+)\}\}", value)
    if whole:
        return bind[whole[1]]
    value = re.sub(r"\{\{(.)\*(\d+)\}\}", lambda m: m[1] * int(m[2]), value)
    return re.sub(r"\{\{(\w+)\}\}", lambda m: str(bind[m[1]]), value)


def dig(value, where):
    """What lies at a path such as runs[].info.run_id or versions[0].name."""
    for step in re.findall(r"\w+|\[\d*\]", where):
        if step == "[]":
            rest = where.split("[]", 1)[1].lstrip(".")
            return [dig(v, rest) if rest else v for v in value]
        value = value[int(step[1:-1])] if step[0] == "[" else value.get(step, [] if "[" in where else None)
    return value
