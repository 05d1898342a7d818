/** Small SVG charts: a scatter with labels (the trade-off front), bars (a rank histogram), and lines (a PIT plot). */

import { series, token } from "../core/colour.ts";
import { s } from "../core/dom.ts";
import { number, short } from "../core/format.ts";
import { ticks } from "./ticks.ts";

export interface Dot {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly strong?: boolean;
}

const FONT = { "font-family": "system-ui, sans-serif", "font-size": 11 };
const [W, H] = [440, 270];
const BOX = { left: 58, right: 14, top: 12, bottom: 40 };

interface Axes {
  readonly x: (v: number) => number;
  readonly y: (v: number) => number;
  readonly parts: readonly SVGElement[];
}

export function scatter(title: string, dots: readonly Dot[], labels: readonly string[], joined: boolean): SVGSVGElement {
  const axes = axesOf(spanned(dots.map((d) => d.x)), spanned(dots.map((d) => d.y)), labels[0] ?? "", labels[1] ?? "");
  const ordered = [...dots].sort((a, b) => a.x - b.x);
  const path = ordered.map((d, i) => `${i ? "L" : "M"}${axes.x(d.x)} ${axes.y(d.y)}`).join("");
  return drawing(
    title,
    ...axes.parts,
    joined && s("path", { d: path, fill: "none", stroke: token("muted"), "stroke-dasharray": "3 3" }),
    [...ordered].sort((a, b) => Number(a.strong ?? false) - Number(b.strong ?? false)).map((d) => s("circle", { cx: axes.x(d.x), cy: axes.y(d.y), r: d.strong ? 6.5 : 4.5, fill: d.strong ? series(1) : series(0), stroke: token("surface"), "stroke-width": 1.5 }, s("title", {}, `${d.name}: ${number(d.x)}, ${number(d.y)}`))),
    placed(dots.map((d) => ({ ...d, left: axes.x(d.x), top: axes.y(d.y) }))).map(({ dot, x, y, end }) => s("text", { ...FONT, x, y, "text-anchor": end ? "end" : "start", fill: token("ink"), "font-weight": dot.strong ? 650 : 400 }, dot.name)),
  );
}

interface Placed {
  readonly dot: Dot;
  readonly x: number;
  readonly y: number;
  readonly end: boolean;
}

/** Names beside their points where they hide neither a point nor another name: the recommended one first, then in the order of the plans. */
export function placed(dots: readonly (Dot & { readonly left: number; readonly top: number })[]): Placed[] {
  const taken: [number, number, number, number][] = dots.map((d) => [d.left - 6, d.top - 6, d.left + 6, d.top + 6]);
  const found: Placed[] = [];
  for (const dot of [...dots].sort((a, b) => Number(b.strong ?? false) - Number(a.strong ?? false))) {
    const width = dot.name.length * 6.2;
    for (const [dx, dy, end] of [[9, 4, false], [-9, 4, true], [6, -9, false], [-6, -9, true], [6, 17, false], [-6, 17, true]] as const) {
      const [x, y] = [dot.left + dx, dot.top + dy];
      const box: [number, number, number, number] = [end ? x - width : x, y - 10, end ? x : x + width, y + 2];
      const clear = box[0] > BOX.left && box[2] < W && box[1] > 0 && box[3] < H - BOX.bottom && !taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3]);
      if (!clear) continue;
      taken.push(box);
      found.push({ dot, x, y, end });
      break;
    }
  }
  return found;
}

/** Counts of ranks in equal bins, with the band that uniform ranks would leave 5 % of the time. */
export function histogram(title: string, ranks: readonly number[], bins = 10): SVGSVGElement {
  const counts = new Array<number>(bins).fill(0);
  for (const rank of ranks) counts[Math.min(bins - 1, Math.max(0, Math.floor(rank * bins)))]! += 1;
  const mean = ranks.length / bins;
  const sd = Math.sqrt(ranks.length * (1 / bins) * (1 - 1 / bins));
  const top = Math.max(...counts, mean + 2 * sd, 1);
  const axes = axesOf([0, 1], [0, top], "rank of what came within its forecast", "scans");
  const width = (axes.x(1) - axes.x(0)) / bins;
  const [low, high] = [Math.max(0, mean - 1.96 * sd), mean + 1.96 * sd];
  return drawing(
    title,
    s("rect", { x: axes.x(0), y: axes.y(high), width: axes.x(1) - axes.x(0), height: axes.y(low) - axes.y(high), fill: series(4), "fill-opacity": 0.22 }),
    ...axes.parts,
    counts.map((n, i) => s("rect", { x: axes.x(i / bins) + 1, y: axes.y(n), width: width - 2, height: axes.y(0) - axes.y(n), fill: series(0), "fill-opacity": 0.85 })),
    s("line", { x1: axes.x(0), x2: axes.x(1), y1: axes.y(mean), y2: axes.y(mean), stroke: token("ink"), "stroke-dasharray": "4 3" }),
  );
}

/** The share of ranks up to each level: the diagonal is perfect. Band: Dvoretzky–Kiefer–Wolfowitz (Massart 1990), 95 %. */
export function pit(title: string, groups: Readonly<Record<string, readonly number[]>>): SVGSVGElement {
  const axes = axesOf([0, 1], [0, 1], "level", "share of scans at or below it");
  const n = Math.min(...Object.values(groups).map((g) => g.length));
  const eps = Math.min(1, Math.sqrt(Math.log(2 / 0.05) / (2 * Math.max(n, 1))));
  const band = [[0, 0], [0, eps], [1 - eps, 1], [1, 1], [1, 1 - eps], [eps, 0]].map(([x = 0, y = 0]) => `${axes.x(x)},${axes.y(y)}`).join(" ");
  return drawing(
    title,
    s("polygon", { points: band, fill: series(4), "fill-opacity": 0.2 }),
    ...axes.parts,
    s("line", { x1: axes.x(0), y1: axes.y(0), x2: axes.x(1), y2: axes.y(1), stroke: token("muted"), "stroke-dasharray": "4 3" }),
    Object.entries(groups).map(([name, ranks], i) => s("path", { d: stairs(ranks, axes), fill: "none", stroke: series(i), "stroke-width": 2 }, s("title", {}, name))),
  );
}

function stairs(ranks: readonly number[], axes: Axes): string {
  const sorted = [...ranks].sort((a, b) => a - b);
  const steps = sorted.map((rank, i) => `H${axes.x(rank)}V${axes.y((i + 1) / sorted.length)}`);
  return `M${axes.x(0)} ${axes.y(0)}${steps.join("")}H${axes.x(1)}`;
}

function spanned(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = high > low ? 0.1 * (high - low) : Math.max(Math.abs(high) * 0.1, 0.5);
  return [low - margin, high + margin];
}

function axesOf([x0, x1]: readonly [number, number], [y0, y1]: readonly [number, number], xLabel: string, yLabel: string): Axes {
  const x = (v: number): number => BOX.left + ((v - x0) / (x1 - x0)) * (W - BOX.left - BOX.right);
  const y = (v: number): number => H - BOX.bottom - ((v - y0) / (y1 - y0)) * (H - BOX.top - BOX.bottom);
  const text = { ...FONT, fill: token("muted") };
  const parts = [
    ...ticks(x0, x1).map((v) => s("g", {}, s("line", { x1: x(v), x2: x(v), y1: BOX.top, y2: H - BOX.bottom, stroke: token("line") }), s("text", { ...text, x: x(v), y: H - BOX.bottom + 15, "text-anchor": "middle" }, short(v)))),
    ...ticks(y0, y1).map((v) => s("g", {}, s("line", { x1: BOX.left, x2: W - BOX.right, y1: y(v), y2: y(v), stroke: token("line") }), s("text", { ...text, x: BOX.left - 6, y: y(v) + 4, "text-anchor": "end" }, short(v)))),
    s("text", { ...text, x: (BOX.left + W) / 2, y: H - 6, "text-anchor": "middle" }, xLabel),
    s("text", { ...text, x: 0, y: 0, transform: `translate(13 ${(H - BOX.bottom) / 2 + 6}) rotate(-90)`, "text-anchor": "middle" }, yLabel),
  ];
  return { x, y, parts };
}

function drawing(title: string, ...parts: Parameters<typeof s>[2][]): SVGSVGElement {
  return s("svg", { viewBox: `0 0 ${W} ${H}`, class: "drawing", role: "img", "aria-label": title }, ...parts);
}
