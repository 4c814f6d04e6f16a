"""The report of the drills: what was found, held and done, from the records of each run."""

import datetime

ROWS = ("delay", "duplicate", "drop")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def day(text):
    return moment(text + "T00:00:00Z")


def of(fault):
    """What a fault is about: its columns, or "rows" or "labels"."""
    words = fault.split()
    if words[0] in ROWS:
        return words[1], []
    return "column", words[1:3] if words[0] == "swap" else words[1:2]


def right(fault, incident):
    """Whether an incident says what is wrong: the data, in that column or those rows."""
    what, columns = of(fault)
    kind = incident["kind"]
    if what == "column":
        return kind in ("dataFault", "breach") and bool(set(columns) & set(incident.get("columns") or []))
    if what == "labels":
        return kind == "labelsStopped"
    if kind == "trafficStopped":
        return fault.split()[0] != "duplicate"
    return kind in ("dataFault", "breach") and not incident.get("columns")


def acts(run):
    undone = {(i["found"], "roll back of a rollout") for i in run["incidents"] if i["kind"] == "rolledBack"}
    return undone | {(d["at"], d["action"]) for d in run["decisions"] if d["action"] != "nothing"}


def kept(window):
    return min(window["rows"], window.get("held", 0) + window.get("quarantined", 0))


def span(seconds):
    return f"{seconds / 86400:.3g} d"


def named(incident):
    text = incident.get("fault") or incident["kind"]
    if incident.get("fault") and incident["kind"] in ("labelsStopped", "trafficStopped"):  # which of them, and whether they are late or missing
        text = ("labels " if incident["kind"] == "labelsStopped" else "rows ") + incident["fault"]
    if incident.get("factor"):
        text += f" x{incident['factor']:.4g}"
    if incident.get("offset"):
        text += f" {incident['offset']:+.4g}"
    columns = incident.get("columns") or []
    if columns:
        text += " of " + ", ".join(columns[:3]) + (f" and {len(columns) - 3} more" if len(columns) > 3 else "")
    return text if incident.get("hold") else text + " (not held)"


def judge(plan, calm, fault, run):
    """One line of the table."""
    begin, end = map(day, plan["fault"])
    before = {i["id"] for i in calm["incidents"]}
    new = [i for i in run["incidents"] if i["id"] not in before and moment(i["found"]) > begin and moment(i["begin"]) < day(plan["to"])]
    hits = sorted((i for i in new if right(fault, i)), key=lambda i: (i["found"], not i.get("hold")))
    others = sorted({i["kind"] + (" of " + ", ".join(i["columns"][:2]) if i.get("columns") else "") for i in new if not right(fault, i) and i["kind"] != "rolledBack"})
    within = [w for w in run["windows"] if begin <= moment(w["start"]) < end]
    was = {w["start"]: kept(w) for w in calm["windows"]}
    outside = sum(max(0, kept(w) - was.get(w["start"], 0)) for w in run["windows"] if w not in within)
    held = sum(map(kept, within))
    reach = (run["reach"] or [{"hit": 0}])[0]["hit"]
    wrong, missed = acts(run) - acts(calm), acts(calm) - acts(run)
    what, _ = of(fault)
    return {
        "fault": fault, "found": hits, "took": hits and (moment(hits[0]["found"]) - begin).total_seconds(), "others": others,
        "hit": reach, "held": held, "good": outside + max(0, held - reach),
        "wrong": sorted(wrong), "missed": sorted(missed), "column": what == "column",
    }


def one(example, plan, runs):
    calm = runs[None]
    lines = [judge(plan, calm, f, r) for f, r in runs.items() if f]
    out = [f"## {example}", "",
           f"Replayed from {plan['from']} to {plan['to']}; the fault lasts from {plan['fault'][0]} to {plan['fault'][1]}. Without a fault the loop "
           + (", ".join(f"decided to {a} on {t[:10]}" for t, a in sorted(acts(calm))) or "did nothing") + ".", "",
           "| Fault | Found as | After | Rows hit | of them held | good rows held | Done otherwise than without it | Also reported |",
           "|---|---|---|---:|---:|---:|---|---|"]
    for x in lines:
        other = [f"{a} on {t[:10]}" for t, a in x["wrong"]] + [f"no {a} on {t[:10]}" for t, a in x["missed"]]
        out.append("| " + " | ".join([
            f"`{x['fault']}`", "; ".join(dict.fromkeys(named(i) for i in x["found"][:3])) or "—", span(x["took"]) if x["found"] else "—",
            f"{x['hit']:,}", f"{min(x['held'], x['hit']):,}" if x["column"] else "—", f"{x['good']:,}", "; ".join(other) or "nothing", "; ".join(x["others"]) or "—"]) + " |")
    columns = [x for x in lines if x["column"]]
    hit, held = sum(x["hit"] for x in columns), sum(min(x["held"], x["hit"]) for x in columns)
    cures = sum(a != "quarantine" for x in lines for _, a in x["wrong"])
    out += ["", f"Of {len(columns)} faults of columns {sum(bool(x['found']) for x in columns)} are found; {held:,} of the {hit:,} rows that they hit are held, "
            f"and {sum(x['good'] for x in lines):,} good ones in all drills; of {len(lines) - len(columns)} faults of rows and labels {sum(bool(x['found']) for x in lines if not x['column'])} are found. "
            f"Actions that would not have been without the fault: {cures}.", ""]
    return out, lines


def still(example, run):
    """What the loop says and does where there is nothing but chance."""
    cells = [d for w in run["windows"] for d in w.get("drift") or [] if d["state"] != "unknown"]
    drifted = sum(d["state"] == "drift" for d in cells)
    suspect = sum((d.get("alone") or d["state"]) in ("suspect", "drift") for d in cells)
    kinds = {}
    for i in run["incidents"]:
        kinds[i["kind"]] = kinds.get(i["kind"], 0) + 1
    done = [d["action"] for d in run["decisions"] if d["action"] != "nothing"]
    per = 1000 / max(1, len(cells))
    return (f"| {example} | {len(run['windows'])} | {len(cells):,} | {drifted} | {drifted * per:.2f} | {suspect * per:.1f} | "
            f"{kinds.pop('drift', 0)} | {kinds.pop('dataFault', 0)} | {sum(map(kept, run['windows'])):,} | {done.count('retrain')} | {done.count('recalibrate')} | "
            + (", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) or "—") + " |")


def report(results):
    out = ["# Drills", "",
           "What the loop does when the data are wrong, and when nothing is. Written by `make drills` from the records of real runs:",
           "each example as it is declared, its first model, and a replay into which `trimtab replay --fault` puts one fault for one window;",
           "the same span without a fault is what actions are compared with. Nothing here is tuned to these drills.", "",
           "- *Found* is an incident that says that the data are wrong in the right column (of faults of rows and labels: that rows or labels",
           "  are wrong or have stopped coming). *After* is event time from the fault's first row to the moment at which it was found: faults are",
           "  looked for when a window is over, so that one that fills a window of 7 days is found after 7 days.",
           "- *Held* rows are those that no training, reference or quality figure takes. *Good rows held* were right and held all the same.",
           "- A rollout that is under way looks at rows before their window is over, and so before a fault in them is found.",
           "- Of rows and labels *fewer* says that they are missing, *late* that those that came took longer than usual, as the others will;",
           "  neither holds anything. While labels are missing or late, nothing is decided.",
           "- A row that comes twice under one id is taken once: `duplicate rows` without `fresh` shall change nothing.", ""]
    for example, r in results.items():
        if None in r["runs"] and len(r["runs"]) > 1:
            out += one(example, r["plan"], r["runs"])[0]
    quiet = [(e, r["quiet"]) for e, r in results.items() if r["quiet"]]
    if quiet:
        out += ["## Quiet streams", "",
                "The rows of each example shuffled over the whole of its time, labels with their rows: from the first training on nothing changes but by",
                "chance, and every drift and every fault that is reported is a false one. A cure can still pay, and what is bought then is no answer to drift: the",
                "first model knows few rows, later ones know more. A column-window is one column, or the score, in one window.", "",
                "| Example | Windows | Column-windows | Drift confirmed | per 1,000 | suspect for one window, per 1,000 | Drift incidents | Data faults | Rows held | Retrains | Recalibrations | Other incidents |",
                "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"]
        out += [still(e, q) for e, q in quiet] + [""]
    return "\n".join(out)
