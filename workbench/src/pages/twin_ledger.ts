/** How this twin's forecasts stood up: every scan against the forecast that was frozen before it. */

import { get } from "../api/client.ts";
import type { Scored, Twin, TwinLedger } from "../api/types.ts";
import { whisker } from "../charts/bars.ts";
import { fans, legible } from "../charts/fans.ts";
import { figure } from "../charts/figure.ts";
import { panelView } from "../charts/panel.ts";
import { histogram, pit } from "../charts/scatter.ts";
import { series } from "../core/colour.ts";
import { h } from "../core/dom.ts";
import { interval, natural, number, percent, when } from "../core/format.ts";
import type { Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { empty } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context } from "./table.ts";

type Row = Scored & { readonly at: string };

export async function twinLedger(twin: Twin, _: Place, context: Context): Promise<HTMLElement> {
  const found = await get<TwinLedger>(`/api/twins/${encodeURIComponent(twin.id)}/ledger`, context.signal);
  const rows: Row[] = found.scans.flatMap((scan) => scan.components.map((c) => ({ at: scan.at, ...legible(c) })));
  if (!rows.length) return empty("No forecast was put to the test yet", "Each scan is held against the forecast that was frozen, with its hash, before the scan was known.");
  const ranks = rows.flatMap((r) => (r.rank === null ? [] : [r.rank]));
  const inside = rows.filter((r) => within(r)).length;
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "tiles" }, tile("scans", String(found.scans.length)), tile("inside the 90 % interval", `${inside} of ${rows.length} (${percent(inside / rows.length)})`), tile("alarms", String(rows.filter((r) => r.alarm).length))),
    h("div", { class: "grid two" }, card("Calibration", { id: "ranks", note: "Honest forecasts give ranks that are uniform: bars within the shaded 95 % band" }, figure("Ranks", twin.title || twin.id, histogram("Histogram of ranks of what came within its forecast", ranks, ranks.length < 60 ? 5 : 10), ["component", "scan", "rank"], rows.map((r) => [r.name, r.at, r.rank]))), card("PIT", { id: "pit", note: "All ranks in order: on the diagonal when honest; shaded: 95 %" }, figure("PIT", twin.title || twin.id, pit("Ranks in order against uniform", { "all components": ranks }), ["rank", "share"], [...ranks].sort((a, b) => a - b).map((r, i) => [r, (i + 1) / ranks.length])))),
    card("Forecasts, and what came", { id: "fans", wide: true }, h("div", { class: "panels" }, fans(found, twin).map((p) => panelView(p, twin.title || twin.id)))),
    card("Every score", { id: "scores", wide: true, note: "Rank: share of the forecast below what came" }, scores(rows)),
  );
}

function within(r: Row): boolean {
  if (r.value !== null && r.low !== null && r.high !== null) return r.value >= r.low && r.value <= r.high;
  return r.rank !== null && r.rank >= 0.05 && r.rank <= 0.95;
}

export function tile(name: string, value: string): HTMLElement {
  return h("div", { class: "tile" }, h("strong", {}, value), h("span", {}, name));
}

function scores(rows: readonly Row[]): HTMLElement {
  const bar = (r: Row): SVGSVGElement | string => {
    if (r.low === null || r.high === null || r.value === null) return "";
    const [a, b] = [Math.min(r.low, r.value), Math.max(r.high, r.value)];
    return whisker(r.value, r.low, r.high, a, b, within(r) ? series(0) : series(1));
  };
  return table<Row>("Scores", [
    { title: "Scan", key: true, cell: (r) => when(r.at) },
    { title: "What", cell: (r) => natural(r.name).title },
    { title: "Forecast", number: true, cell: (r) => number(r.median) },
    { title: "90 %", number: true, cell: (r) => interval(r.low, r.high) },
    { title: "Came", number: true, cell: (r) => number(r.value) },
    { title: "Unit", cell: (r) => natural(r.name).unit },
    { title: "In its interval", cell: bar },
    { title: "Rank", number: true, cell: (r) => percent(r.rank) },
    { title: "Mark", cell: (r) => (r.alarm ? chip("alarm", "warn") : within(r) ? "" : chip("outside", "plain")) },
  ], rows, { id: "scores-table" });
}
