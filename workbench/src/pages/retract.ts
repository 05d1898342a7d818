/** Withdrawing a wrong entry: which, why, what falls with it; and computing again what rested on it. */

import { get, maybe } from "../api/client.ts";
import type { Provenance, Twin, TwinEvent } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { told, when } from "../core/format.ts";
import { keep, type Place } from "../core/router.ts";
import { downstream } from "../graph/layout.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { reload, run } from "../ui/job.ts";
import { loading } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context } from "./table.ts";

const FIXED = new Set(["Retracted", "Erased", "Quarantined"]);

export async function retract(twin: Twin, place: Place, context: Context): Promise<HTMLElement> {
  const path = `/api/twins/${encodeURIComponent(twin.id)}`;
  const { events } = await get<{ events: readonly TwinEvent[] }>(`${path}/events`, context.signal);
  const falls = h("div", { "aria-live": "polite" }, h("p", { class: "note" }, "Choose an entry to see what falls with it."));
  let graph: Provenance | null = null;
  const choose = async (event: TwinEvent): Promise<void> => {
    keep({ event: String(event.version) });
    replace(falls, loading("what falls"));
    graph ??= await maybe<Provenance>(`${path}/provenance`, context.signal);
    replace(falls, confirm(twin, event, events, graph, context));
  };
  const asked = events.find((e) => String(e.version) === place.query.get("event") && e.counts);
  if (asked) void choose(asked);
  return h("div", { class: "stack" }, twin.tainted ? recompute(twin, context) : null, h("div", { class: "grid two" }, list(events, asked, choose), card("What falls", { id: "falls" }, falls)));
}

function list(events: readonly TwinEvent[], asked: TwinEvent | undefined, choose: (event: TwinEvent) => Promise<void>): HTMLElement {
  const can = [...events].reverse().filter((e) => !FIXED.has(e.kind));
  const radio = (e: TwinEvent): HTMLElement => {
    const box = h("input", { type: "radio", name: "event", value: e.version, checked: e === asked, disabled: !e.counts, "aria-label": `version ${e.version}, ${e.kind}`, "data-testid": `event-${e.version}` });
    box.addEventListener("change", () => void choose(e));
    return box;
  };
  const rows = table<TwinEvent>("Entries", [
    { title: "Choose", cell: radio },
    { title: "Version", number: true, key: true, cell: (e) => e.version },
    { title: "When", cell: (e) => when(e.at) },
    { title: "What", cell: (e) => e.kind },
    { title: "In words", cell: (e) => (e.counts ? told(e.words) : [told(e.words), " ", chip("no longer counts", "bad")]) },
  ], can, { id: "retract-table", mark: (e) => (e.counts ? "" : "fallen") });
  return card("Withdraw an entry", { id: "entries", note: "A wrong patient, a recalled calibration, a mistake: nothing is deleted, but it no longer counts" }, rows);
}

function confirm(twin: Twin, event: TwinEvent, events: readonly TwinEvent[], graph: Provenance | null, context: Context): HTMLElement {
  const fallen = graph ? fallenWith(event, events, graph) : null;
  const word = `retract ${event.version}`;
  const reason = h("input", { id: "reason", required: true, minlength: 3, placeholder: "such as: scan of another patient", "data-testid": "reason", autocomplete: "off" });
  const typed = h("input", { id: "typed", required: true, autocomplete: "off", "data-testid": "confirm" });
  const button = h("button", { class: "danger", disabled: true, "data-testid": "retract" }, `Withdraw version ${event.version}`);
  const ready = (): void => void (button.disabled = typed.value.trim() !== word || reason.value.trim().length < 3);
  typed.addEventListener("input", ready);
  reason.addEventListener("input", ready);
  const place = h("div", {});
  const send = (submitted: Event): void => {
    submitted.preventDefault();
    button.disabled = true;
    void run(place, twin, "retract", { event: event.version, reason: reason.value.trim() }, context.signal).then((well) => well && reload());
  };
  return h(
    "form",
    { onsubmit: send, "data-testid": "retract-form" },
    h("p", {}, h("strong", {}, `${event.kind} of ${when(event.at)}`), `${event.words ? `, version ${event.version}: ${told(event.words)}` : ""}`),
    fallen === null ? h("p", { class: "note" }, "What rests on it cannot be told here; everything later may.") : fallen.length ? [h("p", {}, `With it ${fallen.length === 1 ? "falls 1 entry" : `fall ${fallen.length} entries`}:`), h("ul", { class: "list", "data-testid": "falls-list" }, fallen.map((e) => h("li", {}, chip(`version ${e.version}`), ` ${e.kind} ${when(e.at)}: ${told(e.words)}`)))] : h("p", {}, "Nothing rests on it."),
    h("label", { for: "reason" }, "Reason"),
    reason,
    h("label", { for: "typed" }, "To confirm, type ", h("code", {}, word)),
    typed,
    h("div", { class: "bar" }, button),
    place,
  );
}

/** Later entries that rest on this one, by the provenance graph; its nodes carry an entry's hash or its version. */
export function fallenWith(event: TwinEvent, events: readonly TwinEvent[], graph: Provenance): TwinEvent[] | null {
  const node = (e: TwinEvent): string | undefined => graph.nodes.find((n) => n.id === e.hash || n.id === `event:${e.hash}` || n.id === String(e.version) || n.id === `event:${e.version}` || n.id === `v${e.version}`)?.id;
  const start = node(event);
  if (!start) return null;
  const reached = downstream(graph.edges, start);
  return events.filter((e) => e.counts && !FIXED.has(e.kind) && reached.has(node(e) ?? ""));
}

function recompute(twin: Twin, context: Context): HTMLElement {
  const place = h("div", {});
  const start = (): void => void run(place, twin, "recompute", {}, context.signal).then((well) => well && reload());
  return card("Compute again", { id: "recompute", note: "Libraries, forecasts, beliefs and decisions that rested on what was withdrawn" }, h("div", { class: "bar" }, h("button", { type: "button", class: "primary", "data-testid": "recompute", onclick: start }, "Compute again what is tainted"), place));
}

