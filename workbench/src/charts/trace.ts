/** Traces of one panel on one common x, as uPlot wants them; null where a trace has no point. */

import type { Numbers, Trace } from "../api/types.ts";

export interface Aligned {
  readonly x: readonly number[];
  /** Per trace: middle, low, high over the common x; low and high null throughout where there is no band. */
  readonly traces: readonly { readonly y: Numbers; readonly low: Numbers; readonly high: Numbers; readonly band: boolean }[];
}

export function aligned(traces: readonly Trace[]): Aligned {
  const x = [...new Set(traces.flatMap((t) => t.x.filter((v): v is number => v !== null)))].sort((a, b) => a - b);
  const place = new Map(x.map((value, i) => [value, i]));
  return { x, traces: traces.map((trace) => spread(trace, place, x.length)) };
}

function spread(trace: Trace, place: ReadonlyMap<number, number>, n: number): Aligned["traces"][number] {
  const put = (values: Numbers): (number | null)[] => {
    const out = new Array<number | null>(n).fill(null);
    trace.x.forEach((value, i) => {
      const at = value === null ? undefined : place.get(value);
      if (at !== undefined) out[at] = values[i] ?? null;
    });
    return out;
  };
  const band = trace.low.length > 0 && trace.low.length === trace.x.length;
  return { y: put(trace.y), low: put(band ? trace.low : []), high: put(band ? trace.high : []), band };
}

/** The extent of all values, limits included, with a margin; of positive ones alone on a logarithmic axis. */
export function extent(values: readonly (number | null | undefined)[], logarithmic: boolean): [number, number] {
  const kept = values.filter((v): v is number => v !== null && v !== undefined && Number.isFinite(v) && (!logarithmic || v > 0));
  if (!kept.length) return logarithmic ? [1, 10] : [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const v of kept) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (logarithmic) return [low / 1.3, high * 1.3];
  const margin = high > low ? 0.06 * (high - low) : Math.max(Math.abs(high) * 0.1, 0.5);
  return [low >= 0 && low - margin < 0 ? 0 : low - margin, high + margin];
}

export function asRows(panel: { readonly traces: readonly Trace[] }): (string | number | null)[][] {
  return panel.traces.flatMap((t) => t.x.map((x, i) => [t.name, x, t.y[i] ?? null, t.low[i] ?? null, t.high[i] ?? null]));
}
