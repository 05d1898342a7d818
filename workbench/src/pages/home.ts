/** The home of a twin: its time line, what changed and why, what it expects now, and forecasts with what came. */

import { get, maybe } from "../api/client.ts";
import type { Diff, Expected, Given, Moved, Twin, TwinEvent, TwinLedger } from "../api/types.ts";
import { whisker } from "../charts/bars.ts";
import { fans } from "../charts/fans.ts";
import { panelView } from "../charts/panel.ts";
import { timeline } from "../charts/timeline.ts";
import { h } from "../core/dom.ts";
import { interval, named, natural, number, plusMinus, told, unitOf, when } from "../core/format.ts";
import { href, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { fileName, rasterised, savePicture, tool } from "../ui/download.ts";
import { empty, pending } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context } from "./table.ts";

const FEW = 6;
const MOST = 8;

export async function home(twin: Twin, _: Place, context: Context): Promise<HTMLElement> {
  const path = `/api/twins/${encodeURIComponent(twin.id)}`;
  const { events } = await get<{ events: readonly TwinEvent[] }>(`${path}/events`, context.signal);
  return h(
    "div",
    { class: "grid home" },
    line(twin, events),
    h("div", { class: "column" }, expectation(twin.expected, twin.next_at), notes(twin)),
    h("div", { class: "column" }, changes(twin, events, context), delivered(twin.delivered, twin)),
    pendingFans(twin, path, context),
    history(twin, events),
  );
}

function line(twin: Twin, events: readonly TwinEvent[]): HTMLElement {
  const drawn = timeline(twin, events);
  const picture = async (): Promise<void> => {
    const [image, size] = await rasterised(drawn, 2);
    await savePicture([image], [size], { title: `${twin.title || twin.id}: time line`, lines: [`version ${twin.version}, believed at ${when(twin.at)}`] }, 2);
  };
  const counts = ["Observed", "Decided", "Acted", "Forecast"].map((kind) => `${events.filter((e) => e.kind === kind).length} ${kind.toLowerCase()}`);
  return card("Time line", { wide: true, id: "timeline", tools: tool("PNG", "Picture of the time line", () => void picture()) }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Time line: ${counts.join(", ")}; the table History has every entry` }, drawn));
}

function changes(twin: Twin, events: readonly TwinEvent[], context: Context): HTMLElement {
  const scans = events.filter((e) => e.kind === "Observed" && e.counts);
  const last = scans.at(-1);
  const before = last ? last.version - 1 : twin.version - 1;
  const make = async (): Promise<HTMLElement> => {
    if (before < 1) return empty("Nothing has changed yet", "The first scan will say what it changed.");
    const found = await maybe<Diff>(`/api/twins/${encodeURIComponent(twin.id)}/diff?from=${before}&to=${twin.version}`, context.signal);
    if (found) return moves(found, last);
    const then = last ? await maybe<Twin>(`/api/twins/${encodeURIComponent(twin.id)}?as_of=${encodeURIComponent(new Date(Date.parse(last.at) - 1000).toISOString())}`, context.signal) : null;
    if (then && last) return moves(compared(then, twin, last), last);
    return empty("What changed cannot be told here", "Ask on the machine: ", h("code", {}, `gemel twin diff ${twin.id} ${before} ${twin.version}`), ".");
  };
  const note = last ? `Since before the scan of ${when(last.at)}` : "";
  return card("What changed, and why", { id: "changes", note }, pending("what changed", make));
}

/** What the next scan should show, before the newest scan and now; standard deviations from 90 % intervals as if they were normal. */
function compared(then: Twin, now: Twin, scan: TwinEvent): Pick<Diff, "moved" | "recommended" | "recommended_now"> {
  const sd = (e: Expected): number => (e.high - e.low) / 3.29;
  const moved = now.expected.flatMap((e): Moved[] => {
    const old = then.expected.find((o) => o.name === e.name);
    return old ? [{ name: e.name, of: "expected", unit: named(e.name)[1], mean: old.median, sd: sd(old), mean_now: e.median, sd_now: sd(e), moved_sd: (e.median - old.median) / (sd(old) || 1), because: `scan of ${when(scan.at)}` }] : [];
  });
  return { moved, recommended: "", recommended_now: "" };
}

function moves(found: Pick<Diff, "moved" | "recommended" | "recommended_now">, scan: TwinEvent | undefined): HTMLElement {
  const plan = found.recommended_now && found.recommended !== found.recommended_now ? h("p", {}, "Recommended now: ", h("strong", {}, found.recommended_now), found.recommended ? `, before: ${found.recommended}` : "", ".") : null;
  const moved = [...found.moved].sort((a, b) => Math.abs(b.moved_sd) - Math.abs(a.moved_sd));
  if (!moved.length) return h("div", {}, plan, h("p", {}, `No belief moved by more than a tenth of its uncertainty${scan ? ": the scan was as expected" : ""}.`));
  const said = (m: Moved): string => {
    const share = m.sd > 0 ? m.sd_now / m.sd : 1;
    const sure = share < 0.9 ? `${Math.round(100 * (1 - share))} % narrower` : share > 1.1 ? `${Math.round(100 * (share - 1))} % wider` : "as sure as before";
    return `${Math.abs(m.moved_sd) < 0.1 ? "same value" : `moved ${number(Math.abs(m.moved_sd), 2)} sd`}, ${sure}`;
  };
  const causes = [...new Set(moved.map((m) => told(m.because)))];
  return h(
    "div",
    {},
    plan,
    causes.length === 1 && causes[0] ? h("p", {}, "Because of: ", causes[0], ".") : null,
    table<Moved>(
      "Beliefs that moved",
      [
        { title: "What", key: true, cell: (m) => named(m.name)[0] },
        { title: "Before", number: true, cell: (m) => plusMinus(m.mean, m.sd) },
        { title: "Now", number: true, cell: (m) => plusMinus(m.mean_now, m.sd_now) },
        { title: "Unit", cell: (m) => (m.name.startsWith("ln_") ? "" : unitOf(m.unit) || named(m.name)[1]) },
        { title: "Change", cell: said },
        ...(causes.length > 1 ? [{ title: "Because of", cell: (m: Moved) => h("span", { title: told(m.because) }, told(m.because).replace(/^(\w+) of (\S+).*$/, "$1 $2")) }] : []),
      ],
      moved.slice(0, MOST),
    ),
    moved.length > MOST ? h("p", { class: "note" }, `and ${moved.length - MOST} smaller ones`) : null,
  );
}

function expectation(expected: readonly Expected[], at: string | null): HTMLElement {
  const groups = new Map<string, Expected[]>();
  for (const row of expected.map(read)) groups.set(group(row), [...(groups.get(group(row)) ?? []), row]);
  const rows = [...groups.values()].flat();
  if (!rows.length) return card("What the next scan should show", { id: "expected" }, empty("Nothing is forecast", "Observe a scan first."));
  const scaleOf = (row: Expected): [number, number] => {
    const same = groups.get(group(row)) ?? [row];
    return [Math.min(...same.map((r) => r.low)), Math.max(...same.map((r) => r.high))];
  };
  return card(
    "What the next scan should show",
    { id: "expected", note: `Median and 90 % interval for ${when(at)}; bars of one unit share one scale` },
    table<Expected>("Expected of the next scan", [
      { title: "What", key: true, cell: (r) => natural(r.name).title },
      { title: "Median", number: true, cell: (r) => number(r.median) },
      { title: "90 %", number: true, cell: (r) => interval(r.low, r.high) },
      { title: "Unit", cell: (r) => natural(r.name).unit },
      { title: "Interval", cell: (r) => whisker(r.median, r.low, r.high, ...scaleOf(r)) },
    ], rows),
  );
}

/** A forecast as people read it: a logarithm as its quantity. */
function read(row: Expected): Expected {
  const { of } = natural(row.name);
  return { ...row, median: of(row.median) ?? row.median, low: of(row.low) ?? row.low, high: of(row.high) ?? row.high };
}

/** Rows that share a scale: of one unit; what has none stands for itself. */
function group(row: Expected): string {
  return natural(row.name).unit || row.name;
}

function pendingFans(twin: Twin, path: string, context: Context): HTMLElement {
  const make = async (): Promise<HTMLElement> => {
    const held = await maybe<TwinLedger>(`${path}/ledger`, context.signal);
    const panels = fans(held, twin);
    if (!panels.length) return empty("No forecast was put to the test yet", "Each scan is held against the forecast that was frozen before it.");
    const place = h("div", { class: "panels" }, panels.slice(0, FEW).map((p) => panelView(p, twin.title || twin.id)));
    if (panels.length > FEW) {
      const more = h("button", { type: "button", onclick: () => { more.remove(); place.append(...panels.slice(FEW).map((p) => panelView(p, twin.title || twin.id))); } }, `Show ${panels.length - FEW} more`);
      return h("div", {}, place, more);
    }
    return place;
  };
  return card("Forecasts, and what came", { id: "fans", wide: true, note: "Bands: 90 % of the forecast frozen before each scan, and of the next one; points: what the scan showed" }, pending("forecasts", make));
}

function delivered(given: readonly Given[], twin: Twin): HTMLElement | null {
  if (!given.length) return null;
  return card(
    "Given so far",
    { id: "delivered", note: `${twin.parts} given, ${twin.planned} prescribed; as registered on the planning anatomy; course: if the rest is alike` },
    table<Given>("Given so far", [
      { title: "What", key: true, cell: (r) => named(r.name)[0] },
      { title: "Registered", number: true, cell: (r) => number(r.registered) },
      { title: "90 %", number: true, cell: (r) => interval(r.low, r.high) },
      { title: "Course", number: true, cell: (r) => number(r.course) },
      { title: "Unit", cell: (r) => named(r.name)[1] },
    ], given),
  );
}

function notes(twin: Twin): HTMLElement | null {
  const alarms = twin.alarms.map((a) => h("li", {}, chip("alarm", "warn"), ` ${when(a.at)}: ${told(a.words)}`));
  const said = twin.notes.map((words) => h("li", {}, words));
  return alarms.length + said.length ? card("Notes", { id: "notes" }, h("ul", { class: "list" }, alarms, said)) : null;
}

function history(twin: Twin, events: readonly TwinEvent[]): HTMLElement {
  return card(
    "History",
    { wide: true, id: "history", note: "Every entry of the record; the twin as it was believed after each is one click away" },
    table<TwinEvent>(
      "History",
      [
        { title: "Version", number: true, key: true, cell: (e) => e.version },
        { title: "When", cell: (e) => h("a", { href: href(["twins", twin.id], { as_of: e.at }), title: "the twin as of this time" }, when(e.at)) },
        { title: "Known", cell: (e) => when(e.known_at) },
        { title: "What", cell: (e) => e.kind },
        { title: "In words", cell: (e) => (e.counts ? told(e.words) : [told(e.words), " ", chip("no longer counts", "bad")]) },
        { title: "Who", cell: (e) => e.actor },
        { title: "Hash", cell: (e) => h("span", { class: "mono muted", title: e.hash }, fileName(e.hash).slice(0, 10)) },
      ],
      [...events].reverse(),
      { id: "history-table", mark: (e) => (e.counts ? "" : "fallen") },
    ),
  );
}
