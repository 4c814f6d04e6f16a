// The traffic of the last 15 minutes, followed while somebody looks: one stream
// for a page, closed when the page is hidden.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { EndpointTraffic, RecentTraffic, TrafficSeries } from "../api_gen";
import { apiURL } from "../base";
import { enc, project } from "../router";

/** Traffic is what is known of it; undefined before the first word. Lost says that the stream broke off. */
export interface Traffic {
  data: Signal<RecentTraffic | undefined>;
  lost: Signal<boolean>;
}

const steps = 179; // of 15 minutes, as the server tells them

/** useTraffic follows the traffic of one endpoint, or of all. */
export function useTraffic(endpoint?: string): Traffic {
  const traffic = useMemo<Traffic>(() => ({ data: signal(undefined), lost: signal(false) }), [endpoint, project.value]);
  useEffect(() => {
    let source: EventSource | undefined;
    let timer = 0;
    const open = () => {
      timer = 0;
      if (document.hidden || source) return;
      source = new EventSource(apiURL(project.value, `traffic/live${endpoint === undefined ? "" : `?endpoint=${enc(endpoint)}`}`));
      source.addEventListener("all", (e) => {
        traffic.lost.value = false;
        traffic.data.value = JSON.parse(String(e.data)) as RecentTraffic;
      });
      source.addEventListener("step", (e) => {
        traffic.data.value = joined(traffic.data.peek(), JSON.parse(String(e.data)) as RecentTraffic);
      });
      source.onerror = () => {
        traffic.lost.value = true;
        if (source?.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
        source = undefined;
        if (!timer) timer = window.setTimeout(open, 10_000);
      };
    };
    const close = () => {
      window.clearTimeout(timer);
      timer = 0;
      source?.close();
      source = undefined;
    };
    const look = () => (document.hidden ? close() : open());
    open();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      close();
    };
  }, [traffic]);
  return traffic;
}

/** joined adds the newest step to what is known of one endpoint; of all endpoints every step tells all. */
export function joined(old: RecentTraffic | undefined, next: RecentTraffic): RecentTraffic {
  const a = old?.endpoints[0];
  const b = next.endpoints[0];
  if (!a || !b || !a.all || !b.all || next.endpoints.length !== 1) return next;
  const at = Math.round((Date.parse(b.start) - Date.parse(a.start)) / a.step);
  if (at < 0 || at > 2 * steps) return next;
  const keep = (series: TrafficSeries | undefined, more: TrafficSeries | undefined): TrafficSeries => {
    const out = {} as TrafficSeries;
    for (const k of ["rate", "rows", "failed", "refused", "p50", "p99"] as const) {
      const empty = k === "rate" || k === "rows" ? 0 : null;
      const all = (series?.[k] ?? []).slice(0, at);
      while (all.length < at) all.push(empty);
      all.push(more?.[k][0] ?? empty);
      out[k] = all.slice(-steps);
    }
    return out;
  };
  const versions = [...new Set([...(a.versions ?? []), ...(b.versions ?? [])].map((v) => v.version))].sort((x, y) => x - y);
  const merged: EndpointTraffic = {
    ...b,
    start: new Date(Date.parse(a.start) + Math.max(0, at + 1 - steps) * a.step).toISOString(),
    all: keep(a.all, b.all),
    versions: versions.map((version) => {
      const was = a.versions?.find((v) => v.version === version);
      const is = b.versions?.find((v) => v.version === version);
      const minute = is?.minute ?? { requests: 0, rate: 0, failed: 0, invalid: 0, refused: 0, p50: null, p99: null };
      return { version, minute, series: keep(was?.series, is?.series) };
    }),
  };
  return { now: next.now, endpoints: [merged] };
}
