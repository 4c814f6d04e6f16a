"""The corpus against trimtab: the answers must be those of the recorded server.

allow.json lists what differs on purpose, one entry per difference with its reason: the file and cases it is
about, where in the answer, and what stands there instead (absent means: nothing stands there). A case that no
longer differs fails, and so does a difference without an entry.
"""

import importlib.metadata
import json
import pathlib

import pytest
import wire

pytestmark = pytest.mark.skipif(importlib.metadata.version("mlflow").startswith("2."), reason="no client is used here: once is enough")
ALLOW = json.loads((pathlib.Path(__file__).parent / "allow.json").read_text())
ABSENT = object()


def differences(golden, ours, at="$"):
    """Yields (place, golden, ours) for every leaf in which two answers differ."""
    if isinstance(golden, dict) and isinstance(ours, dict):
        for key in sorted(golden.keys() | ours.keys()):
            yield from differences(golden.get(key, ABSENT), ours.get(key, ABSENT), f"{at}.{key}")
    elif isinstance(golden, list) and isinstance(ours, list) and len(golden) == len(ours):
        for i, (g, o) in enumerate(zip(golden, ours)):
            yield from differences(g, o, f"{at}[{i}]")
    elif type(golden) is not type(ours) or golden != ours:
        yield at, golden, ours


def shown(value):
    return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)[:400]


def verdict(answer):
    """An answer's status, with the error's name where it is one."""
    body = answer["body"]
    code = body.get("error_code") if isinstance(body, dict) and answer["status"] >= 400 else None
    return f"{answer['status']} {code}" if code else str(answer["status"])


def compared(golden, ours, request):
    """The differences of two answers; what stands in them is compared only where the verdict is the same."""
    if verdict(golden) != verdict(ours) and (isinstance(golden["body"], dict) or golden["status"] != ours["status"]):
        yield "$.status", verdict(golden), verdict(ours)
        return
    if golden["status"] < 300 and golden["body"] == "" and ours["body"] == {}:
        return  # nothing is said by an empty body and by an empty object
    yield from differences(*comparable(golden, ours, request))


def comparable(golden, ours, request):
    """Both answers without what is not compared: of errors the wording where the corpus says so, and pages of HTML."""
    out = []
    for answer in (golden, ours):
        answer = {k: v for k, v in answer.items() if k != "case"}
        if answer["status"] >= 400:
            answer = {"status": answer["status"]}
            if isinstance(golden["body"], dict):
                keys = ("error_code", "message") if request.get("text", True) else ("error_code",)
                body = (golden if not out else ours)["body"]
                answer["body"] = {k: body.get(k) for k in keys} if isinstance(body, dict) else body
        out.append(answer)
    return out


def verdicts(request, golden, ours):
    """Differences of a vector: both verdicts must be those of the table; rows are compared where both accept."""
    vector = request["vector"]
    letter = {200: "A", 400: "R", 500: "E"}.get(golden["status"], golden["status"])
    if letter != vector["upstream"]:
        yield "$.upstream", vector["upstream"], letter
    expected = 200 if vector["accept"] else 400
    if ours["status"] != expected:
        yield "$.status", expected, ours["status"]
    elif expected == 400 and ours["body"].get("error_code") != "INVALID_PARAMETER_VALUE":
        yield "$.body.error_code", "INVALID_PARAMETER_VALUE", ours["body"].get("error_code")
    elif golden["status"] == ours["status"] == 200:
        yield from differences(golden["body"], ours["body"], "$.body")


@pytest.mark.parametrize("corpus", wire.files(), ids=lambda c: c.stem)
def test_replay(corpus, fresh_server):
    goldens = [json.loads(line) for line in wire.golden_file(corpus).read_text().splitlines()]
    requests = wire.load(corpus)
    assert [g["case"] for g in goldens] == [r["case"] for r in requests], "the goldens are of another corpus: record them anew"
    session = wire.Session(fresh_server)
    allowed = [a for a in ALLOW if a["file"] == corpus.stem]
    used = set()
    wrong = []
    for request, golden in zip(requests, goldens):
        ours = session.send(request)
        if "vector" in request:
            found = verdicts(request, golden, ours)
        else:
            found = compared(golden, ours, request)
        for at, g, o in found:
            if any(request["case"] in a["case"] and a["at"] == at and a.get("ours", ABSENT) == o for a in allowed):
                used.add((request["case"], at))
            else:
                wrong.append(f"{request['case']} at {at}: expected {shown(g)}, got {shown(o)}")
    stale = {(case, a["at"]) for a in allowed for case in a["case"]} - used
    wrong += [f"allow.json: {case} at {at} no longer differs in this way" for case, at in sorted(stale)]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong)


def test_every_allowed_difference_has_a_reason():
    stems = {c.stem for c in wire.files()}
    for entry in ALLOW:
        assert entry["file"] in stems and len(entry["reason"]) > 20, entry
        assert entry.keys() <= {"file", "case", "at", "ours", "reason"}, entry
