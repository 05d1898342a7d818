/** Forecasts against what came, one panel a component, with the forecast of the next scan at its end. */

import type { Panel, Scored, Twin, TwinLedger } from "../api/types.ts";
import { named } from "../core/format.ts";

const DAY = 86_400_000;

export function fans(ledger: TwinLedger | null, twin: Twin): Panel[] {
  const scans = ledger?.scans ?? [];
  const zero = Date.parse(scans[0]?.at ?? twin.at);
  const days = (iso: string | null): number => (iso ? (Date.parse(iso) - zero) / DAY : Number.NaN);
  const names = [...new Set(scans.flatMap((s) => s.components.map((c) => c.name)))];
  return names.map((name) => {
    const rows = scans.flatMap((s) => {
      const found = s.components.find((c) => c.name === name);
      return found ? [{ day: days(s.at), ...found }] : [];
    });
    return panel(name, rows, next(name, twin), days(twin.next_at));
  });
}

/** The same component of the next scan: names of axes are written as letters there and as numbers here. */
function next(name: string, twin: Twin): { median: number; low: number; high: number } | null {
  const lettered = name.replace(/\[(\d)\]$/, (_, i: string) => `[${"xyz"[Number(i)] ?? i}]`);
  return twin.expected.find((e) => e.name === name || e.name === lettered) ?? null;
}

function panel(name: string, rows: readonly ({ readonly day: number } & Scored)[], ahead: { median: number; low: number; high: number } | null, at: number): Panel {
  const [title, unit] = named(name);
  const end = ahead && Number.isFinite(at) ? [ahead] : [];
  const x = rows.map((r) => r.day);
  const alarms = rows.filter((r) => r.alarm);
  const came = { name: "came", x, y: rows.map((r) => r.value), low: [], high: [], points: true, colour: 1 };
  const fan = { name: "forecast", x: [...x, ...end.map(() => at)], y: [...rows.map((r) => r.median), ...end.map((e) => e.median)], low: [...rows.map((r) => r.low), ...end.map((e) => e.low)], high: [...rows.map((r) => r.high), ...end.map((e) => e.high)], points: rows.length + end.length < 2, colour: 0 };
  const alarm = { name: "alarm", x: alarms.map((r) => r.day), y: alarms.map((r) => r.value), low: [], high: [], points: true, colour: 3 };
  return { title, x_label: "days since the first scan", y_label: unit || title, logarithmic: false, limits: {}, marks: end.length && rows.length ? [rows.at(-1)?.day ?? 0] : [], traces: [fan, came, ...(alarms.length ? [alarm] : [])] };
}
