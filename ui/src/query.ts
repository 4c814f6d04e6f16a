// The query cache: one entry per address, shown while it is asked for anew.
import { signal, type Signal } from "@preact/signals";

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

const cache = new Map<string, Query<unknown>>();
const spacing = 500; // ms between two questions to the same address
const patience = 20_000; // ms until a question is given up

/** query gives the entry of an address and asks for it when it is new. */
export function query<T>(address: string): Query<T> {
  const known = cache.get(address);
  if (known) return known as Query<T>;
  const q = newQuery<T>(address);
  cache.set(address, q as Query<unknown>);
  q.refresh();
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
      q.data.value = await get<T>(address);
      q.at.value = Date.now();
      q.problem.value = undefined;
    } catch (e) {
      q.problem.value = asProblem(e);
    } finally {
      q.busy.value = false;
    }
    if (wanted) q.refresh();
  }
  return q;
}

class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

async function get<T>(address: string): Promise<T> {
  const answer = await fetch(address, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(patience),
  });
  const requestId = answer.headers.get("X-Request-Id") ?? undefined;
  const text = await answer.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused({
      kind: answer.ok ? "not understood" : answer.statusText || "refused",
      message: `The answer is no JSON (status ${answer.status}). Is something between this page and the server?`,
      status: answer.status,
      requestId,
    });
  }
  if (answer.ok) return body as T;
  const said = body as { error?: string; kind?: string; requestId?: string };
  throw new Refused({
    kind: said.kind ?? "refused",
    message: said.error ?? `The server answered with status ${answer.status}.`,
    status: answer.status,
    requestId: said.requestId ?? requestId,
  });
}

function asProblem(e: unknown): Problem {
  if (e instanceof Refused) return e.problem;
  const slow = e instanceof DOMException && e.name === "TimeoutError";
  return {
    kind: "unreachable",
    message: slow ? `The server did not answer within ${patience / 1000} s.` : "The server does not answer. Is it running?",
    status: 0,
  };
}
