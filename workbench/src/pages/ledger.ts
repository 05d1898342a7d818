/** How the forecasts of all twins stood up, and which models may decide. */

import { get } from "../api/client.ts";
import type { Ledger, LedgerRow, Trust } from "../api/types.ts";
import { whisker } from "../charts/bars.ts";
import { figure } from "../charts/figure.ts";
import { histogram, pit } from "../charts/scatter.ts";
import { h } from "../core/dom.ts";
import { named, number, percent } from "../core/format.ts";
import { keep, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { csv, save, tool } from "../ui/download.ts";
import { empty, pending } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context, Page } from "./table.ts";

const BY = ["model", "patient", "scanner"] as const;

export async function ledger(place: Place, context: Context): Promise<Page> {
  const held = h("div", {});
  const by = h("select", { id: "by", "data-testid": "by" }, BY.map((name) => h("option", { value: name, selected: name === place.query.get("by") }, name)));
  const show = (): void => {
    keep({ by: by.value === "model" ? null : by.value });
    held.replaceChildren(pending("the ledger", async () => drawn(await get<Ledger>(`/api/ledger?by=${by.value}`, context.signal), by.value)));
  };
  by.addEventListener("change", show);
  show();
  return ["Ledger", h("div", { class: "page", "data-testid": "page-ledger" }, h("div", { class: "title" }, h("h1", {}, "Ledger"), h("div", { class: "bar" }, h("label", { for: "by" }, "By"), by)), h("p", { class: "note" }, "Every forecast is frozen with its hash before the scan that tests it; this is how they stood up."), held)];
}

function drawn(found: Ledger, by: string): HTMLElement {
  if (!found.rows.length) return empty("No forecast was put to the test yet", "The ledger fills with every scan that is assimilated.");
  return h("div", { class: "stack" }, trust(found.trust), coverage(found.rows, by), ranks(found), leftOut(found.left_out));
}

function trust(rows: readonly Trust[]): HTMLElement {
  return card("May a model decide?", { id: "trust", note: "Evidence against honest forecasts, valid however often one looks; from 100 on a model may not decide" }, table<Trust>("Trust", [
    { title: "Model", key: true, cell: (t) => t.model },
    { title: "Version", cell: (t) => t.version },
    { title: "Scans", number: true, cell: (t) => t.scans },
    { title: "Evidence against it", number: true, cell: (t) => number(t.evidence) },
    { title: "Verdict", cell: (t) => (t.trusted ? chip("may decide", "good") : chip("may not decide", "bad")) },
  ], rows, { id: "trust-table" }));
}

function coverage(rows: readonly LedgerRow[], by: string): HTMLElement {
  const take = tool("CSV", "The ledger as CSV", () => save("ledger.csv", csv(["model", "version", "of", "component", "scans", "twins", "covered", "covered_low", "covered_high", "crps", "alarms", "p"], rows.map((r) => [r.model, r.version, r.of, r.component, r.scans, r.twins, r.covered, r.covered_low, r.covered_high, r.crps, r.alarms, r.p]))));
  return card("Coverage of 90 % intervals", { id: "coverage", tools: take, note: "Share of scans inside their interval, with Wilson's interval; CRPS in the component's unit; p: of uniform ranks" }, table<LedgerRow>("Coverage", [
    { title: "Component", key: true, cell: (r) => named(r.component)[0] },
    { title: "Unit", cell: (r) => named(r.component)[1] },
    { title: "Model", cell: (r) => `${r.model} ${r.version}` },
    ...(by === "model" ? [] : [{ title: by, cell: (r: LedgerRow) => r.of }]),
    { title: "Scans", number: true, cell: (r) => r.scans },
    { title: "Twins", number: true, cell: (r) => r.twins },
    { title: "Covered", number: true, cell: (r) => percent(r.covered) },
    { title: "0 to 100 %", cell: (r) => whisker(r.covered, r.covered_low, r.covered_high, 0, 1) },
    { title: "CRPS", number: true, cell: (r) => number(r.crps) },
    { title: "p", number: true, cell: (r) => number(r.p, 2) },
    { title: "Alarms", number: true, cell: (r) => r.alarms },
  ], rows, { id: "coverage-table" }));
}

function ranks(found: Ledger): HTMLElement | null {
  const groups = Object.fromEntries(Object.entries(found.ranks ?? {}).filter(([, r]) => r.length));
  const all = Object.values(groups).flat();
  if (!all.length) return null;
  const rows = Object.entries(groups).flatMap(([name, r]) => r.map((rank) => [name, rank]));
  return h("div", { class: "grid two" }, card("Ranks", { id: "ranks", note: "Of all components; shaded: 95 % of honest forecasts" }, figure("Ranks of all forecasts", "ledger", histogram("Histogram of ranks", all, all.length < 60 ? 5 : 10), ["component", "rank"], rows)), card("PIT by component", { id: "pit", note: "On the diagonal when honest; shaded: 95 % for the component with the fewest scans" }, figure("PIT", "ledger", pit("Ranks in order against uniform, one line a component", groups), ["component", "rank"], rows)));
}

function leftOut(rows: readonly unknown[]): HTMLElement | null {
  if (!rows.length) return null;
  const said = (row: unknown): string => (Array.isArray(row) ? row.join(", ") : typeof row === "object" && row ? Object.values(row).join(", ") : String(row));
  return card("Left out", { id: "left-out", note: "Scans that do not count, and why" }, h("ul", { class: "list" }, rows.slice(0, 100).map((row) => h("li", {}, said(row)))));
}
