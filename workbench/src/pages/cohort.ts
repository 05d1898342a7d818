/** Cohorts and trials: how far each is, its arms side by side, its plots. */

import { get } from "../api/client.ts";
import type { Chart } from "../api/types.ts";
import { whisker } from "../charts/bars.ts";
import { panelView } from "../charts/panel.ts";
import { h, type Child } from "../core/dom.ts";
import { interval, named, number, unitOf } from "../core/format.ts";
import { href, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { empty } from "../ui/state.ts";
import { table, type Column } from "../ui/table.ts";
import type { Context, Page } from "./table.ts";

interface Cohort {
  readonly name: string;
  readonly title: string;
  readonly made: number | string;
  readonly waiting: number;
  readonly leased: number;
  readonly done: number;
  readonly failed: number;
}

/** Over the patients of an arm: mean with its 95 % interval, median and 90 % range. */
interface Value {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly median: number;
  readonly p05: number;
  readonly p95: number;
  readonly unit?: string;
}

interface Arm {
  readonly name: string;
  readonly n: number;
  readonly plans?: Readonly<Record<string, number>>;
  readonly readouts: Readonly<Record<string, Value>>;
}

interface Difference {
  readonly a: string;
  readonly b: string;
  readonly readout: string;
  readonly unit: string;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

type Whole = Cohort & { readonly differences?: readonly Difference[]; readonly failures?: readonly unknown[]; readonly arms?: readonly Arm[]; readonly charts?: readonly Chart[] };

export async function cohorts(place: Place, context: Context): Promise<Page> {
  const name = place.path[1];
  return name ? one(name, context) : every(context);
}

async function every(context: Context): Promise<Page> {
  const found = await get<{ cohorts: readonly Cohort[] }>("/api/cohorts", context.signal);
  const columns: Column<Cohort>[] = [
    { title: "Cohort", key: true, cell: (c) => h("a", { href: href(["cohorts", c.name]) }, titleOf(c)) },
    { title: "Progress", cell: progress },
    { title: "Waiting", number: true, cell: (c) => c.waiting },
    { title: "At work", number: true, cell: (c) => c.leased },
    { title: "Done", number: true, cell: (c) => c.done },
    { title: "Failed", number: true, cell: (c) => (c.failed ? chip(String(c.failed), "bad") : 0) },
  ];
  const body = found.cohorts.length ? table("Cohorts", columns, found.cohorts, { id: "cohorts-table" }) : empty("There is no cohort in this record", "Make one: ", h("code", {}, "gemel cohort"), ", or a trial on virtual patients: ", h("code", {}, "gemel trial"), ".");
  return ["Cohorts", h("div", { class: "page", "data-testid": "page-cohorts" }, h("div", { class: "title" }, h("h1", {}, "Cohorts")), body)];
}

async function one(name: string, context: Context): Promise<Page> {
  const found = await get<Whole>(`/api/cohorts/${encodeURIComponent(name)}`, context.signal);
  const arms = found.arms ?? [];
  const body = h(
    "div",
    { class: "stack" },
    h("p", {}, h("a", { href: href(["cohorts"]) }, "All cohorts")),
    card("Progress", { id: "progress" }, h("div", { class: "bar" }, progress(found), ` ${found.done} done, ${found.waiting} waiting, ${found.leased} at work, ${found.failed} failed`)),
    arms.length ? card("Arms side by side", { id: "arms", note: "Median over patients, and the 90 % range as a bar on one scale a row" }, compare(arms)) : card("Arms", { id: "arms" }, empty("No arm has results yet", "They come as patients are done.")),
    differences(found.differences ?? []),
    (found.charts ?? []).map((chart) => card(chart.title, { note: chart.note }, h("div", { class: "panels" }, chart.panels.map((p) => panelView(p, `${titleOf(found)}: ${chart.title}`))))),
  );
  return [titleOf(found), h("div", { class: "page", "data-testid": "page-cohort" }, h("div", { class: "title" }, h("h1", {}, titleOf(found))), body)];
}

/** Work is kept under the function that does it; people want to know what and how much. */
function titleOf(c: Cohort): string {
  const made = /^(?:[\w.]+\.)?([\w]+):(\w+): (\d+) tasks?$/.exec(c.title || "");
  return made ? `${made[1] ?? ""}: ${(made[2] ?? "").replaceAll("_", " ")}, ${made[3]} ${made[3] === "1" ? "task" : "tasks"}` : c.title || c.name;
}

function progress(c: Cohort): HTMLElement {
  const total = c.waiting + c.leased + c.done + c.failed;
  return h("progress", { max: Math.max(total, 1), value: c.done + c.failed, "aria-label": `${c.done} of ${total} done` });
}

function compare(arms: readonly Arm[]): HTMLElement {
  const names = [...new Set(arms.flatMap((a) => Object.keys(a.readouts)))];
  const scale = (name: string): [number, number] => {
    const all = arms.flatMap((a) => { const v = a.readouts[name]; return v ? [v.p05, v.p95] : []; });
    return [Math.min(...all), Math.max(...all)];
  };
  const cell = (arm: Arm, name: string): Child => {
    const v = arm.readouts[name];
    return v ? h("span", { class: "reading", title: `mean ${number(v.mean)}, 95 % ${interval(v.low, v.high)}` }, h("span", {}, number(v.median)), whisker(v.median, v.p05, v.p95, ...scale(name))) : "–";
  };
  return table<string>("Arms", [
    { title: "Readout", key: true, cell: (name) => named(name)[0] },
    { title: "Unit", cell: (name) => unitOf(arms.map((a) => a.readouts[name]?.unit).find(Boolean) ?? named(name)[1]) },
    ...arms.map((arm): Column<string> => ({ title: `${arm.name} (n = ${arm.n})`, number: true, cell: (name) => cell(arm, name) })),
  ], names, { id: "arms-table" });
}

/** Arms against each other over the same patients: an interval that leaves zero out is a difference. */
function differences(rows: readonly Difference[]): HTMLElement | null {
  if (!rows.length) return null;
  const scale = (d: Difference): [number, number] => [Math.min(d.low, 0), Math.max(d.high, 0)];
  return card("Differences", { id: "differences", note: "First arm minus second over the same patients, with its 95 % interval" }, table<Difference>("Differences", [
    { title: "Arms", key: true, cell: (d) => `${d.a} − ${d.b}` },
    { title: "Readout", cell: (d) => named(d.readout)[0] },
    { title: "Difference", number: true, cell: (d) => number(d.difference) },
    { title: "95 %", number: true, cell: (d) => interval(d.low, d.high) },
    { title: "Unit", cell: (d) => unitOf(d.unit) },
    { title: "With zero", cell: (d) => whisker(d.difference, d.low, d.high, ...scale(d)) },
    { title: "Verdict", cell: (d) => (d.low > 0 || d.high < 0 ? chip("differs", "good") : "") },
  ], rows, { id: "differences-table" }));
}
