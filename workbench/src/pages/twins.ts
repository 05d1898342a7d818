/** All twins that the user may see: what each is, when it was last seen, what is wrong with it. */

import { get } from "../api/client.ts";
import type { TwinRow } from "../api/types.ts";
import { h } from "../core/dom.ts";
import { ago, when } from "../core/format.ts";
import { go, href, keep, type Place } from "../core/router.ts";
import { alarms, badge, tainted } from "../ui/badge.ts";
import { empty, pending } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context, Page } from "./table.ts";

const STEP = 100;

interface Listed {
  readonly total: number;
  readonly twins: readonly TwinRow[];
}

export function countOf(value: TwinRow["alarms"]): number {
  return typeof value === "number" ? value : value.length;
}

export async function twins(place: Place, context: Context): Promise<Page> {
  const held = h("div", {});
  const box = h("input", { type: "search", id: "search", placeholder: "id, title or subject", value: place.query.get("q") ?? "", "data-testid": "search", autocomplete: "off" });
  const system = h("select", { id: "system", "data-testid": "system" }, h("option", { value: "" }, "every system"));
  let offset = Number(place.query.get("offset") ?? 0) || 0;
  const show = (): void => {
    keep({ q: box.value || null, system: system.value || null, offset: offset ? String(offset) : null });
    const query = new URLSearchParams({ limit: String(STEP), offset: String(offset), ...(box.value ? { q: box.value } : {}), ...(system.value ? { system: system.value } : {}) });
    const list = pending("twins", async () => listing(await get<Listed>(`/api/twins?${query}`, context.signal), offset, box.value, (to) => { offset = to; show(); }));
    held.replaceChildren(list);
  };
  await systems(system, place.query.get("system") ?? "", context);
  let timer = 0;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    offset = 0;
    timer = window.setTimeout(show, 200);
  });
  system.addEventListener("change", () => { offset = 0; show(); });
  context.hear(() => show());
  show();
  const bar = h("div", { class: "bar" }, h("label", { for: "search" }, "Search"), box, h("label", { for: "system" }, "System"), system);
  return ["Twins", h("div", { class: "page", "data-testid": "page-twins" }, h("div", { class: "title" }, h("h1", {}, "Twins"), bar), held)];
}

async function systems(select: HTMLSelectElement, chosen: string, context: Context): Promise<void> {
  const { twins: first } = await get<Listed>(`/api/twins?limit=${STEP}`, context.signal);
  const names = [...new Set([...first.map((t) => t.system), ...(chosen ? [chosen] : [])])].sort();
  select.append(...names.map((name) => h("option", { value: name, selected: name === chosen }, name)));
}

function listing(found: Listed, offset: number, q: string, page: (offset: number) => void): HTMLElement {
  if (!found.twins.length) {
    return q ? empty(`No twin matches "${q}"`, "Shorten the search, or look at every system.") : empty("There is no twin yet", "Make one from images: ", h("code", {}, "gemel twin new"), ", or send images to the DICOM node and see the ", h("a", { href: href(["queue"]) }, "queue"), ".");
  }
  const rows = table<TwinRow>(
    `${found.total} twins`,
    [
      { title: "Twin", key: true, cell: (t) => h("a", { href: href(["twins", t.id]), "data-testid": `twin-${t.id}` }, t.title || t.id) },
      { title: "Id", cell: (t) => h("span", { class: "muted mono" }, t.id) },
      { title: "System", cell: (t) => t.system.replaceAll("_", " ") },
      { title: "Is a", cell: (t) => badge(t.badge) },
      { title: "Last scan", cell: (t) => timed(t.last_scan) },
      { title: "Next expected", cell: (t) => timed(t.next_at) },
      { title: "Alarms", cell: (t) => alarms(countOf(t.alarms)) },
      { title: "State", cell: (t) => tainted(t.tainted) || "counts" },
      { title: "Version", number: true, cell: (t) => t.version },
    ],
    found.twins,
    { id: "twins-table", mark: (t) => (t.tainted ? "tainted" : "") },
  );
  rows.querySelectorAll("tbody tr").forEach((row, i) => row.addEventListener("dblclick", () => go(href(["twins", found.twins[i]?.id ?? ""]))));
  return h("div", {}, rows, found.total > STEP ? pager(found, offset, page) : null);
}

function pager(found: Listed, offset: number, page: (offset: number) => void): HTMLElement {
  return h(
    "div",
    { class: "bar" },
    h("button", { type: "button", disabled: offset === 0, onclick: () => page(Math.max(0, offset - STEP)) }, "Earlier"),
    h("span", { class: "muted" }, `${offset + 1} to ${offset + found.twins.length} of ${found.total}`),
    h("button", { type: "button", disabled: offset + STEP >= found.total, onclick: () => page(offset + STEP) }, "Later"),
  );
}

function timed(iso: string | null): HTMLElement | string {
  return iso ? h("time", { datetime: iso, title: ago(iso, Date.now()) }, when(iso)) : "–";
}
