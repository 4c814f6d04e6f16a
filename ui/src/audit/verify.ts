// Verification in the browser: the signature of a checkpoint, the way of an entry
// to its root, and that the log extends what this browser saw before. Nothing the
// server says about itself is believed; the hashes follow RFC 6962, the note C2SP.
import type { AuditEvidence, AuditProof } from "../api_gen";

/** Check is one thing that was looked at. Values are what it was computed from and to. */
export interface Check {
  id: "key" | "signature" | "origin" | "leaf" | "inclusion" | "history" | "answer";
  title: string;
  ok: boolean;
  why?: string; // it failed
  values: [label: string, value: string][];
}

/** Verdict is what came of all checks. Entries are the indices that were proved. */
export interface Verdict {
  ok: boolean;
  checks: Check[];
  checkpoint?: Checkpoint;
  entries: number[];
  body?: string; // of the first entry, exactly as it was hashed
}

/** Checkpoint is what a signed note says. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: string;
}

/** Seen is the last checkpoint of a log that this browser verified. */
export interface Seen extends Checkpoint {
  key: string;
  at: string;
}

/** cannot says why this browser cannot verify, undefined when it can. */
export function cannot(): string | undefined {
  if (globalThis.crypto?.subtle) return undefined;
  return isSecureContext
    ? "This browser offers no cryptography to pages."
    : "Browsers offer cryptography only to pages that came by https or from this computer. Open the pages by https, or on the server's own machine, or verify with `trimtab audit verify`.";
}

/** verify checks evidence for entries of a project's log. wanted are the indices that were asked for. */
export async function verify(e: AuditEvidence, project: string, wanted: number[], seen: Seen | undefined): Promise<Verdict> {
  const checks: Check[] = [];
  const verdict: Verdict = { ok: false, checks, entries: [] };
  const fail = (c: Omit<Check, "ok" | "why">, why: string) => void checks.push({ ...c, ok: false, why });
  const pass = (c: Omit<Check, "ok" | "why">) => void checks.push({ ...c, ok: true });

  const key = await readKey(e.key);
  const keyCheck = { id: "key" as const, title: "The key names itself rightly, and is the one seen before", values: [["Key", e.key]] as [string, string][] };
  if (typeof key === "string") fail(keyCheck, key);
  else if (seen && seen.key !== e.key)
    fail({ ...keyCheck, values: [...keyCheck.values, ["Key seen before", seen.key]] }, `This browser first saw another key (checkpoint of ${seen.at}). A server with a new key cannot be told from another server.`);
  else pass({ ...keyCheck, title: seen ? keyCheck.title : "The key names itself rightly; it is seen here for the first time and kept" });
  if (typeof key === "string") return verdict;

  const note = readNote(e.note);
  const signature = { id: "signature" as const, title: "The checkpoint is signed with the key (Ed25519)", values: [] as [string, string][] };
  if (typeof note === "string") {
    fail(signature, note);
    return verdict;
  }
  signature.values.push(["Signed text", note.text]);
  const signed = await checkSignature(note, key);
  if (signed === undefined) pass(signature);
  else fail(signature, signed);

  const cp = note.checkpoint;
  verdict.checkpoint = cp;
  const origin = { id: "origin" as const, title: "The checkpoint is of this project's log", values: [["Log", cp.origin]] as [string, string][] };
  if (cp.origin === `${key.name}/${project}`) pass(origin);
  else fail(origin, `It is of ${cp.origin}, not of ${key.name}/${project}.`);

  await checkEntries(e.proofs, wanted.slice(0, wanted.length - (e.left ?? 0)), cp, project, checks, verdict);
  checks.push(await checkHistory(e, cp, seen));
  verdict.ok = checks.every((c) => c.ok);
  return verdict;
}

async function checkEntries(proofs: AuditProof[], wanted: number[], cp: Checkpoint, project: string, checks: Check[], verdict: Verdict): Promise<void> {
  const answered = proofs.map((p) => p.index);
  if (answered.join() !== wanted.join()) {
    checks.push({ id: "answer", title: "The answer is about the entries asked for", ok: false, why: `Asked for ${list(wanted)}, the answer is about ${list(answered)}.`, values: [] });
    return;
  }
  if (proofs.length === 0) return;
  const leaf: Check = { id: "leaf", title: proofs.length === 1 ? "The bytes of the entry have this hash: SHA-256(0x00 ‖ bytes)" : `The bytes of ${proofs.length} entries are hashed: SHA-256(0x00 ‖ bytes)`, ok: true, values: [] };
  const inclusion: Check = { id: "inclusion", title: proofs.length === 1 ? "The hash leads to the root of the checkpoint" : "Each hash leads to the root of the checkpoint", ok: true, values: [["Root", cp.root]] };
  for (const p of proofs) {
    const body = bytesOf(p.body);
    const text = new TextDecoder().decode(body);
    if (verdict.body === undefined) verdict.body = text;
    const named = wrongProject(text, project);
    if (named && leaf.ok) {
      leaf.ok = false;
      leaf.why = `Entry ${p.index}: ${named}`;
    }
    const hash = await sha256(new Uint8Array([0]), body);
    const way = await rootOf(p.leaf, cp.size, hash, p.path.map(bytesOf));
    if (proofs.length === 1) {
      leaf.values.push(["Bytes", `${body.length}`], ["Hash", base64(hash)]);
      inclusion.values.push(["Place in the log", `${p.leaf + 1} of ${cp.size}`], ...p.path.map((h, i): [string, string] => [`Beside step ${i + 1}`, h]));
      if (way) inclusion.values.push(["Computed root", base64(way)]);
    }
    if (way && base64(way) === cp.root) {
      verdict.entries.push(p.index);
      continue;
    }
    if (inclusion.ok) {
      inclusion.ok = false;
      inclusion.why = way ? `Entry ${p.index}: the root that follows from its bytes is another one. The entry, its proof or the log is not what was signed.` : `Entry ${p.index}: its proof does not have the form for place ${p.leaf + 1} of ${cp.size}.`;
    }
  }
  if (proofs.length > 1) inclusion.values.push(["Entries", `${verdict.entries.length} of ${proofs.length}`]);
  checks.push(leaf, inclusion);
}

/** wrongProject says what is wrong with the bytes of an entry, undefined when they are one of the project. */
function wrongProject(text: string, project: string): string | undefined {
  try {
    const entry = JSON.parse(text) as { ws?: string };
    return entry.ws === project ? undefined : `its bytes are of project ${entry.ws}.`;
  } catch {
    return "its bytes are no JSON.";
  }
}

async function checkHistory(e: AuditEvidence, cp: Checkpoint, seen: Seen | undefined): Promise<Check> {
  const c: Check = { id: "history", title: "The log extends what this browser saw before", ok: true, values: [["Entries now", `${cp.size}`]] };
  if (!seen) return { ...c, title: "This browser sees the log for the first time: the checkpoint is kept to compare with later" };
  c.values.unshift(["Entries seen before", `${seen.size}, ${seen.at}`], ["Root seen before", seen.root]);
  if (seen.size > cp.size) return { ...c, ok: false, why: `It had ${seen.size} entries and has ${cp.size}: the log was rolled back or its end cut off.` };
  if (seen.size === cp.size) return seen.root === cp.root ? { ...c, title: "The log is what this browser saw before" } : { ...c, ok: false, why: "It has as many entries as before and another root: it was rewritten." };
  const ok = await extendsLog(seen.size, bytesOf(seen.root), cp.size, bytesOf(cp.root), e.extends.map(bytesOf));
  return ok ? c : { ...c, ok: false, why: `The log of ${cp.size} entries does not begin with the ${seen.size} that were seen: it was rewritten.` };
}

interface Key {
  name: string;
  hash: Uint8Array; // four bytes, in front of its signatures
  public: Uint8Array;
}

/** readKey reads a verifying key: NAME+HASH+BASE64. A string says why it is none. */
async function readKey(text: string): Promise<Key | string> {
  const m = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text);
  if (!m) return "The key is not of the form NAME+HASH+KEY.";
  const [, name = "", hex = "", encoded = ""] = m;
  const raw = bytesOf(encoded);
  if (raw.length !== 33 || raw[0] !== 1) return "The key is no Ed25519 key.";
  const hash = (await sha256(new TextEncoder().encode(name + "\n"), raw)).slice(0, 4);
  if (hexOf(hash) !== hex) return "The key's hash is not that of its name and bytes.";
  return { name, hash, public: raw.slice(1) };
}

interface Note {
  text: string;
  checkpoint: Checkpoint;
  signatures: { name: string; raw: Uint8Array }[];
}

function readNote(note: string): Note | string {
  const at = note.lastIndexOf("\n\n");
  if (at < 0) return "The checkpoint is no signed note.";
  const text = note.slice(0, at + 1);
  const lines = text.split("\n");
  const [origin = "", size = "", root = ""] = lines;
  if (lines.length !== 4 || !/^(0|[1-9]\d*)$/.test(size) || bytesOf(root).length !== 32) return "The checkpoint does not have the lines log, size and root.";
  const signatures = [];
  for (const line of note.slice(at + 2).split("\n")) {
    const m = /^— (\S+) (\S+)$/.exec(line);
    if (m?.[1] && m[2]) signatures.push({ name: m[1], raw: bytesOf(m[2]) });
  }
  return { text, checkpoint: { origin, size: Number(size), root }, signatures };
}

async function checkSignature(note: Note, key: Key): Promise<string | undefined> {
  const mine = note.signatures.find((s) => s.name === key.name && hexOf(s.raw.slice(0, 4)) === hexOf(key.hash));
  if (!mine || mine.raw.length !== 68) return "It bears no signature of this key.";
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key.public as BufferSource, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return "This browser knows no Ed25519 signatures (Chromium does since 137, Firefox since 129, Safari since 17). The hashes were checked, the signature was not: use `trimtab audit verify`.";
  }
  const ok = await crypto.subtle.verify({ name: "Ed25519" }, imported, mine.raw.slice(4) as BufferSource, new TextEncoder().encode(note.text));
  return ok ? undefined : "The signature does not verify: the checkpoint or its signature was changed.";
}

/** rootOf walks an inclusion proof (RFC 9162, 2.1.3.2); undefined when it has not the right length. */
export async function rootOf(leaf: number, size: number, hash: Uint8Array, path: Uint8Array[]): Promise<Uint8Array | undefined> {
  if (leaf < 0 || leaf >= size) return undefined;
  let fn = leaf;
  let sn = size - 1;
  let r = hash;
  for (const p of path) {
    if (sn === 0 || p.length !== 32) return undefined;
    if (fn % 2 === 1 || fn === sn) {
      r = await node(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else r = await node(r, p);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? r : undefined;
}

/** extendsLog checks a consistency proof (RFC 9162, 2.1.4.2) of 0 < first < second. */
export async function extendsLog(first: number, firstRoot: Uint8Array, second: number, secondRoot: Uint8Array, proof: Uint8Array[]): Promise<boolean> {
  if (first <= 0 || first >= second || proof.length === 0) return false;
  const path = powerOfTwo(first) ? [firstRoot, ...proof] : proof;
  let fn = first - 1;
  let sn = second - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let fr = path[0] as Uint8Array;
  let sr = fr;
  for (const c of path.slice(1)) {
    if (sn === 0 || c.length !== 32) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = await node(c, fr);
      sr = await node(c, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = await node(sr, c);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && base64(fr) === base64(firstRoot) && base64(sr) === base64(secondRoot);
}

const half = (n: number) => Math.floor(n / 2); // sizes may exceed 32 bits
const powerOfTwo = (n: number) => Number.isInteger(Math.log2(n)) && 2 ** Math.round(Math.log2(n)) === n;
const node = (l: Uint8Array, r: Uint8Array) => sha256(new Uint8Array([1]), l, r);

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

/** bytesOf decodes base64; what is none has no bytes. */
export function bytesOf(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function base64(b: Uint8Array): string {
  return btoa(String.fromCharCode(...b));
}

function hexOf(b: Uint8Array): string {
  return [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
}

function list(all: number[]): string {
  return all.length > 6 ? `${all.slice(0, 6).join(", ")} and ${all.length - 6} more` : all.join(", ") || "none";
}

const stored = (project: string) => `trimtab.log ${new URL("..", document.baseURI).pathname} ${project}`;

/** seenBefore is the last checkpoint that this browser verified of a project's log. */
export function seenBefore(project: string): Seen | undefined {
  try {
    const text = localStorage.getItem(stored(project));
    return text ? (JSON.parse(text) as Seen) : undefined;
  } catch {
    return undefined; // a browser that stores nothing trusts on every use
  }
}

/** remember keeps a checkpoint whose checks all went well; a smaller one never takes the place of a larger. */
export function remember(project: string, e: AuditEvidence, v: Verdict): void {
  const before = seenBefore(project);
  if (!v.ok || !v.checkpoint || (before && before.size >= v.checkpoint.size)) return;
  try {
    localStorage.setItem(stored(project), JSON.stringify({ ...v.checkpoint, key: e.key, at: e.signed } satisfies Seen));
  } catch {
    // trusted again on the next use
  }
}

/** forget lets the next verification trust what it sees: after a restore that was meant. */
export function forget(project: string): void {
  try {
    localStorage.removeItem(stored(project));
  } catch {
    // nothing was kept
  }
}
