// Crosshair and zoom that charts of one key share. The last chart of a key takes
// them along; a chart without a key has its own.
import { useEffect, useMemo } from "preact/hooks";
import { signal, type Signal } from "@preact/signals";

/** Shared is where the crosshair stands and what is zoomed to, in values of x. */
export interface Shared {
  x: Signal<number | null>;
  zoom: Signal<[number, number] | null>;
  /** owner is the chart that the pointer or the keys are on: it shows the readout. */
  owner: Signal<object | null>;
}

function fresh(): Shared {
  return { x: signal(null), zoom: signal(null), owner: signal(null) };
}

const known = new Map<string, { of: Shared; users: number }>();

/** useShared gives a chart what its key shares, for as long as it is mounted. */
export function useShared(key: string | undefined): Shared {
  const shared = useMemo(() => {
    if (key === undefined) return fresh();
    const k = known.get(key);
    if (k) return k.of;
    const of = fresh();
    known.set(key, { of, users: 0 });
    return of;
  }, [key]);
  useEffect(() => {
    if (key === undefined) return;
    const k = known.get(key) ?? { of: shared, users: 0 };
    known.set(key, k);
    k.users++;
    return () => {
      if (--k.users === 0 && known.get(key) === k) known.delete(key);
    };
  }, [key, shared]);
  return shared;
}
