/** The scanners' own twins: in control or not, since when, why probably, and how long until they would fail. */

import { get } from "../api/client.ts";
import type { Charts } from "../api/types.ts";
import { chance } from "../charts/bars.ts";
import { h } from "../core/dom.ts";
import { number, percent, when } from "../core/format.ts";
import { href, type Place } from "../core/router.ts";
import { alarms, chip } from "../ui/badge.ts";
import { card, facts } from "../ui/card.ts";
import { empty, pending } from "../ui/state.ts";
import { drawn } from "./charts.ts";
import type { Context, Page } from "./table.ts";

interface Scanner {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly alarms: number | readonly { readonly at: string; readonly words: string }[];
  readonly lead_days: number | null;
  readonly lead_words?: string;
  readonly p_fault?: number | null;
  readonly causes: readonly { readonly name: string; readonly p: number }[];
  readonly last_qc: string | null;
}

const STATES: Readonly<Record<string, string>> = { ok: "in control", alarm: "out of control", unknown: "not known" };

export async function scanners(place: Place, context: Context): Promise<Page> {
  const { scanners: found } = await get<{ scanners: readonly Scanner[] }>("/api/scanners", context.signal);
  const chosen = found.find((s) => s.id === place.path[1]) ?? (found.length === 1 ? found[0] : undefined);
  const body = found.length
    ? h("div", { class: "stack" }, h("div", { class: "grid cards" }, found.map((s) => one(s, s === chosen))), chosen ? control(chosen, context) : null)
    : empty("No scanner has a twin yet", "Begin with its acceptance measurements: ", h("code", {}, "gemel scanner new"), ", then ", h("code", {}, "gemel scanner qc"), " each day.");
  return ["Scanners", h("div", { class: "page", "data-testid": "page-scanners" }, h("div", { class: "title" }, h("h1", {}, "Scanners")), body)];
}

function one(scanner: Scanner, chosen: boolean): HTMLElement {
  const list = typeof scanner.alarms === "number" ? [] : scanner.alarms;
  const count = typeof scanner.alarms === "number" ? scanner.alarms : list.length;
  const well = scanner.state === "ok" || (count === 0 && scanner.state !== "alarm");
  return card(
    scanner.title || scanner.id,
    { id: `scanner-${scanner.id}`, tools: chip(STATES[scanner.state] ?? scanner.state, well ? "good" : "warn") },
    facts([
      ["last quality control", when(scanner.last_qc)],
      ["alarms", alarms(count)],
      ["probability of a fault", percent(scanner.p_fault)],
      ["until it would leave its limits", scanner.lead_words ? scanner.lead_words : scanner.lead_days === null || scanner.lead_days === undefined ? "not foreseen" : `${number(scanner.lead_days)} days`],
    ]),
    scanner.causes.length ? h("div", {}, h("h3", {}, "Probable causes"), h("ul", { class: "list" }, scanner.causes.slice(0, 5).map((c) => h("li", {}, chance(c.p), ` ${percent(c.p)} ${c.name.replaceAll("_", " ")}`)))) : null,
    h("p", {}, chosen ? null : [h("a", { href: href(["scanners", scanner.id]) }, "Control charts"), " · "], h("a", { href: href(["twins", scanner.id]) }, "Its twin")),
  );
}

function control(scanner: Scanner, context: Context): HTMLElement {
  return pending("control charts", async () => drawn(await get<Charts>(`/api/twins/${encodeURIComponent(scanner.id)}/charts`, context.signal), scanner.title || scanner.id));
}
