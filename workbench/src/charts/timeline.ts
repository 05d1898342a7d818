/** The time line of a twin: a lane each for scans, forecasts, decisions and what was given; every mark leads to its page. */

import type { Twin, TwinEvent } from "../api/types.ts";
import { faded, series, token } from "../core/colour.ts";
import { s } from "../core/dom.ts";
import { day, when } from "../core/format.ts";
import { href } from "../core/router.ts";

interface Lane {
  readonly title: string;
  readonly kinds: readonly string[];
  readonly colour: number;
  readonly tab: string;
}

const LANES: readonly Lane[] = [
  { title: "Scans", kinds: ["Observed"], colour: 0, tab: "images" },
  { title: "Forecasts", kinds: ["Forecast", "Promoted"], colour: 5, tab: "ledger" },
  { title: "Learned", kinds: ["Assimilated", "Outcome"], colour: 2, tab: "ledger" },
  { title: "Decisions", kinds: ["Decided", "Adapted", "Checked"], colour: 4, tab: "decide" },
  { title: "Given", kinds: ["Acted"], colour: 3, tab: "decide" },
  { title: "Withdrawn", kinds: ["Retracted", "Quarantined", "Erased"], colour: 1, tab: "retract" },
];
const [LEFT, RIGHT, ROW, TOP] = [92, 28, 32, 8];
const WIDTH = 1280;
const FONT = { "font-family": "system-ui, sans-serif", "font-size": 12 };

export function timeline(twin: Twin, events: readonly TwinEvent[]): SVGSVGElement {
  const lanes = LANES.filter((lane) => events.some((e) => lane.kinds.includes(e.kind)));
  const times = [...events.map((e) => Date.parse(e.at)), Date.parse(twin.next_at ?? twin.at)].filter(Number.isFinite);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (iso: string): number => LEFT + 14 + ((Date.parse(iso) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT - 28);
  const bottom = TOP + ROW * Math.max(lanes.length, 1);
  return s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${bottom + 26}`, class: "timeline", role: "group", "aria-label": "Time line", "data-testid": "timeline-svg" },
    axis(first, last, x, bottom),
    lanes.map((lane, i) => drawLane(twin, lane, events, TOP + ROW * (i + 0.5), x)),
    nowLine(twin, x, bottom),
  );
}

function drawLane(twin: Twin, lane: Lane, events: readonly TwinEvent[], y: number, x: (iso: string) => number): SVGElement {
  const mine = events.filter((e) => lane.kinds.includes(e.kind));
  const fan = lane.title === "Forecasts" && twin.next_at ? fanTo(mine.filter((e) => e.kind === "Forecast").at(-1), twin.next_at, y, x) : null;
  const seen = new Map<string, number>();
  return s(
    "g",
    {},
    s("text", { ...FONT, x: 0, y: y + 4, fill: token("muted") }, lane.title),
    s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, stroke: token("line") }),
    fan,
    mine.map((event) => {
      const n = seen.get(event.at) ?? 0;
      seen.set(event.at, n + 1);
      return mark(twin, lane, event, x(event.at) + n * 11, y);
    }),
  );
}

/** A forecast opens from when it was made to when it will be put to the test. */
function fanTo(event: TwinEvent | undefined, until: string, y: number, x: (iso: string) => number): SVGElement | null {
  if (!event) return null;
  const [from, to] = [x(event.at), x(until)];
  return s("polygon", { points: `${from},${y} ${to},${y - 11} ${to},${y + 11}`, fill: faded(series(5), 0.35), stroke: series(5), "stroke-width": 0.8 });
}

function mark(twin: Twin, lane: Lane, event: TwinEvent, x: number, y: number): SVGElement {
  const alarm = event.words.startsWith("alarm");
  const colour = alarm ? series(1) : series(lane.colour);
  const words = `${event.kind} ${when(event.at)}, version ${event.version}: ${event.words}${event.counts ? "" : " (no longer counts)"}`;
  const query = lane.tab === "images" ? { t: event.at } : lane.tab === "retract" ? { event: String(event.version) } : {};
  const shape = alarm ? s("path", { d: `M${x} ${y - 8}l8 14h-16z`, fill: colour }) : lane.title === "Decisions" ? s("rect", { x: x - 5.5, y: y - 5.5, width: 11, height: 11, transform: `rotate(45 ${x} ${y})`, fill: colour }) : s("circle", { cx: x, cy: y, r: 6, fill: event.counts ? colour : token("surface"), stroke: colour, "stroke-width": 2 });
  return s("a", { href: href(["twins", twin.id, lane.tab], query), "aria-label": words, class: "mark" }, s("title", {}, words), shape);
}

function axis(first: number, last: number, x: (iso: string) => number, bottom: number): SVGElement {
  const span = last - first;
  const n = 8;
  const labels = Array.from({ length: n + 1 }, (_, i) => new Date(first + (span * i) / n).toISOString());
  const said = (iso: string): string => (span < 2 * 86_400_000 * n ? when(iso) : day(iso));
  const seen = new Set<string>();
  const kept = labels.filter((iso, i) => (span > 0 || i === 0) && i % (span < 2 * 86_400_000 * n ? 2 : 1) === 0 && !seen.has(said(iso)) && seen.add(said(iso)));
  return s("g", {}, kept.map((iso) => s("g", {}, s("line", { x1: x(iso), x2: x(iso), y1: TOP, y2: bottom, stroke: token("line") }), s("text", { ...FONT, "font-size": 11, x: x(iso), y: bottom + 17, "text-anchor": x(iso) > WIDTH - 60 ? "end" : "middle", fill: token("muted") }, said(iso)))));
}

function nowLine(twin: Twin, x: (iso: string) => number, bottom: number): SVGElement | null {
  if (!twin.at) return null;
  const at = x(twin.at);
  return s("line", { x1: at, x2: at, y1: TOP, y2: bottom, stroke: token("ink"), "stroke-dasharray": "3 3" }, s("title", {}, `believed at ${when(twin.at)}`));
}
