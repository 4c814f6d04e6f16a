// The query cache: one entry per address, shown while it is asked for anew.
import { signal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { onNotice } from "./live";

/** Problem is why an answer is missing, as the server says it. */
export interface Problem {
  kind: string;
  message: string;
  status: number; // 0: no answer came
  requestId?: string;
}

/** Query is what is known of one address. Data stays while a newer answer is on its way or failed. */
export interface Query<T> {
  data: Signal<T | undefined>;
  problem: Signal<Problem | undefined>;
  busy: Signal<boolean>;
  at: Signal<number>; // when data came, in ms of the browser's clock; 0 before
  /** refresh asks again, at most twice a second: further calls join the next one. */
  refresh(): void;
}

const cache = new Map<string, Query<unknown>>(); // the least recently used first
const kept = 64; // entries of pages that are not shown
const spacing = 500; // ms between two questions to the same address
const patience = 20_000; // ms until a question is given up

/** query gives the entry of an address and asks for it when it is new. */
export function query<T>(address: string): Query<T> {
  const known = cache.get(address);
  if (known) {
    cache.delete(address);
    cache.set(address, known);
    return known as Query<T>;
  }
  const q = newQuery<T>(address);
  cache.set(address, q as Query<unknown>);
  for (const old of cache.keys()) {
    if (cache.size <= kept) break;
    cache.delete(old);
  }
  q.refresh();
  return q;
}

const nothing = newQuery<never>("");

/**
 * useQuery is the answer of an address while a page shows it. It is asked for
 * anew when the journal tells of an object of the kinds in watch, or of anything
 * when watch is not given. Null asks for nothing.
 */
export function useQuery<T>(address: string | null, watch?: string[]): Query<T> {
  const q = address === null ? (nothing as Query<T>) : query<T>(address);
  const kinds = watch?.join(" ");
  useEffect(() => {
    if (address === null) return;
    if (q.at.peek() > 0) q.refresh(); // it is shown from the cache, and what happened since then nobody heard
    let due = false; // news came while nobody looked
    const stop = onNotice((n) => {
      if (n.kind === "head" || (kinds !== undefined && n.kind !== "reset" && !kinds.split(" ").includes(n.kind))) return;
      if (document.hidden) due = true;
      else q.refresh();
    });
    const shown = () => {
      if (document.hidden || !due) return;
      due = false;
      q.refresh();
    };
    document.addEventListener("visibilitychange", shown);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [address, kinds]);
  return q;
}

function newQuery<T>(address: string): Query<T> {
  let last = -Infinity; // when the last question was asked
  let wanted = false; // one more after the present one
  let timer = 0;
  const q: Query<T> = {
    data: signal<T | undefined>(undefined),
    problem: signal<Problem | undefined>(undefined),
    busy: signal(false),
    at: signal(0),
    refresh() {
      if (address === "") return;
      if (q.busy.peek()) {
        wanted = true;
        return;
      }
      if (timer) return;
      const wait = last + spacing - performance.now();
      if (wait > 0) {
        timer = window.setTimeout(() => {
          timer = 0;
          void ask();
        }, wait);
        return;
      }
      void ask();
    },
  };
  async function ask(): Promise<void> {
    last = performance.now();
    wanted = false;
    q.busy.value = true;
    try {
      q.data.value = await call<T>("GET", address);
      q.at.value = Date.now();
      q.problem.value = undefined;
    } catch (e) {
      q.problem.value = e as Problem;
    } finally {
      q.busy.value = false;
    }
    if (wanted) q.refresh();
  }
  return q;
}

/** call asks the server and gives its JSON answer. It throws a Problem, and nothing else. */
export async function call<T>(method: string, address: string, body?: unknown): Promise<T> {
  const answer = await send(method, address, "application/json", body);
  const text = await answer.text().catch((e: unknown) => Promise.reject(unreachable(e)));
  if (text.trim() === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw notUnderstood(answer);
  }
}

/** bytes asks for an address and gives the bytes of its answer. It throws a Problem, and nothing else. */
export async function bytes(address: string): Promise<ArrayBuffer> {
  const answer = await send("GET", address, "application/octet-stream");
  return answer.arrayBuffer().catch((e: unknown) => Promise.reject(unreachable(e)));
}

async function send(method: string, address: string, accept: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address, {
      method,
      headers: { Accept: accept, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
    });
  } catch (e) {
    throw unreachable(e);
  }
  if (answer.ok) return answer;
  throw await refusal(answer);
}

async function refusal(answer: Response): Promise<Problem> {
  let said: { error?: string; message?: string; kind?: string; error_code?: string; requestId?: string };
  try {
    said = JSON.parse(await answer.text()) as typeof said;
  } catch {
    return notUnderstood(answer);
  }
  return {
    kind: said.kind ?? said.error_code ?? "refused",
    message: said.error ?? said.message ?? `The server answered with status ${answer.status}.`,
    status: answer.status,
    requestId: said.requestId ?? idOf(answer),
  };
}

function notUnderstood(answer: Response): Problem {
  return {
    kind: answer.ok ? "not understood" : answer.statusText || "refused",
    message: `The answer is no JSON (status ${answer.status}). Is something between this page and the server?`,
    status: answer.status,
    requestId: idOf(answer),
  };
}

function idOf(answer: Response): string | undefined {
  return answer.headers.get("X-Request-Id") ?? undefined;
}

function unreachable(e: unknown): Problem {
  const slow = e instanceof DOMException && e.name === "TimeoutError";
  return {
    kind: "unreachable",
    message: slow ? `The server did not answer within ${patience / 1000} s.` : "The server does not answer. Is it running?",
    status: 0,
  };
}
