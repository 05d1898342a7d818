/** Forecasts against what came, one panel a component, with the forecast of the next scan at its end. */

import type { Panel, Scored, Twin, TwinLedger } from "../api/types.ts";
import { natural } from "../core/format.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HOURS_UP_TO = 3 * DAY;

export function fans(ledger: TwinLedger | null, twin: Twin): Panel[] {
  const scans = ledger?.scans ?? [];
  const zero = Date.parse(scans[0]?.at ?? twin.at);
  const last = Date.parse(twin.next_at ?? scans.at(-1)?.at ?? twin.at);
  const [step, unit] = last - zero < HOURS_UP_TO ? ([HOUR, "hours"] as const) : ([DAY, "days"] as const);
  const since = (iso: string | null): number => (iso ? (Date.parse(iso) - zero) / step : Number.NaN);
  const names = [...new Set(scans.flatMap((s) => s.components.map((c) => c.name)))];
  return names.map((name) => {
    const rows = scans.flatMap((s) => {
      const found = s.components.find((c) => c.name === name);
      return found ? [{ day: since(s.at), ...legible(found) }] : [];
    });
    return panel(name, rows, next(name, twin), since(twin.next_at), `${unit} since the first scan`);
  });
}

/** Numbers of a component as people read them. */
export function legible<Row extends Scored>(row: Row): Row {
  const { of } = natural(row.name);
  return { ...row, low: of(row.low), median: of(row.median), high: of(row.high), value: of(row.value) };
}

/** The same component of the next scan: names of axes are written as letters there and as numbers here, logarithms perhaps as themselves. */
function next(name: string, twin: Twin): Pick<Scored, "median" | "low" | "high"> | null {
  const lettered = name.replace(/\[(\d)\]$/, (_, i: string) => `[${"xyz"[Number(i)] ?? i}]`);
  const same = (e: string): boolean => e === name || e === lettered || (natural(e).title === natural(name).title && natural(e).unit === natural(name).unit);
  const found = twin.expected.find((e) => same(e.name));
  const of = found ? natural(found.name).of : null;
  return found && of ? { median: of(found.median), low: of(found.low), high: of(found.high) } : null;
}

function panel(name: string, rows: readonly ({ readonly day: number } & Scored)[], ahead: Pick<Scored, "median" | "low" | "high"> | null, at: number, x_label: string): Panel {
  const { title, unit } = natural(name);
  const end = ahead && Number.isFinite(at) ? [ahead] : [];
  const x = rows.map((r) => r.day);
  const alarms = rows.filter((r) => r.alarm);
  const came = { name: "came", x, y: rows.map((r) => r.value), low: [], high: [], points: true, colour: 1 };
  const fan = { name: "forecast", x: [...x, ...end.map(() => at)], y: [...rows.map((r) => r.median), ...end.map((e) => e.median)], low: [...rows.map((r) => r.low), ...end.map((e) => e.low)], high: [...rows.map((r) => r.high), ...end.map((e) => e.high)], points: rows.length + end.length < 2, colour: 0 };
  const alarm = { name: "alarm", x: alarms.map((r) => r.day), y: alarms.map((r) => r.value), low: [], high: [], points: true, colour: 3 };
  return { title, x_label, y_label: unit || title, logarithmic: false, limits: {}, marks: end.length && rows.length ? [rows.at(-1)?.day ?? 0] : [], traces: [fan, came, ...(alarms.length ? [alarm] : [])] };
}
