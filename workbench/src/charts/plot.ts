/** One panel drawn by uPlot: lines with bands, points with whiskers, limits across, marks down. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Panel } from "../api/types.ts";
import { faded, series, token } from "../core/colour.ts";
import { number, short } from "../core/format.ts";
import { logTicks } from "./ticks.ts";
import { aligned, extent, type Aligned } from "./trace.ts";

/** Steps of an axis on which there is nothing between whole numbers: visits, plans, days. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const FONT = "12px system-ui, sans-serif";

export function plot(panel: Panel, place: HTMLElement, read: (index: number | null, data: Aligned) => void): uPlot {
  const data = aligned(panel.traces);
  const columns = data.traces.flatMap((t) => (t.band ? [t.y, t.low, t.high] : [t.y]));
  const size = { width: Math.max(place.clientWidth, 280), height: 250 };
  const chart = new uPlot(options(panel, data, size, read), [data.x as number[], ...(columns as number[][])], place);
  const watcher = new ResizeObserver(() => {
    if (!place.isConnected) watcher.disconnect();
    else if (place.clientWidth > 0) chart.setSize({ width: place.clientWidth, height: size.height });
  });
  watcher.observe(place);
  return chart;
}

function options(panel: Panel, data: Aligned, size: { width: number; height: number }, read: (index: number | null, data: Aligned) => void): uPlot.Options {
  const lines: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  data.traces.forEach((trace, i) => add(panel, trace.band, i, lines, bands));
  const every = data.traces.flatMap((t) => [...t.y, ...t.low, ...t.high]);
  const y = extent([...every, ...Object.values(panel.limits ?? {})], panel.logarithmic);
  const x = extent([...data.x, ...(panel.marks ?? [])], false);
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    scales: { x: { time: false, range: rangeOf(data.x, x) }, y: { distr: panel.logarithmic ? 3 : 1, range: () => y } },
    axes: [{ ...axis(panel.x_label, 30), ...(data.x.every(Number.isInteger) ? { incrs: WHOLE } : {}) }, { ...axis(panel.y_label, 56), ...(panel.logarithmic ? { splits: (_: uPlot, __: number, low: number, high: number) => logTicks(low, high), filter: (_: uPlot, kept: number[]) => kept } : {}) }],
    series: lines,
    bands,
    hooks: { draw: [(u) => decorate(u, panel, data)], setCursor: [(u) => read(u.cursor.idx ?? null, data)] },
  };
}

/** Dragging zooms in x; a double click gives the whole back. */
function rangeOf(xs: readonly number[], whole: readonly [number, number]): uPlot.Range.Function {
  const [first = 0, last = 1] = [xs[0], xs[xs.length - 1]];
  return (_, low, high) => (low === null || (low === first && high === last) ? [...whole] : [low, high]);
}

function add(panel: Panel, band: boolean, i: number, lines: uPlot.Series[], bands: uPlot.Band[]): void {
  const trace = panel.traces[i];
  if (!trace) return;
  const colour = series(trace.colour ?? i);
  const same = panel.traces.filter((t, k) => k < i && t.colour === trace.colour).length;
  lines.push({
    label: trace.name,
    stroke: trace.points ? "transparent" : colour,
    width: 2,
    dash: [[], [6, 4], [2, 3], [8, 3, 2, 3]][same % 4] ?? [],
    spanGaps: true,
    points: { show: trace.points, size: 8, stroke: colour, fill: token("surface"), width: 2 },
  });
  if (!band) return;
  const hidden: uPlot.Series = { stroke: "transparent", width: 0, spanGaps: true, points: { show: false } };
  lines.push(hidden, { ...hidden });
  if (!trace.points) bands.push({ series: [lines.length - 1, lines.length - 2], fill: faded(colour, 0.2) });
}

function axis(label: string, size: number): uPlot.Axis {
  const ink = token("muted");
  return {
    label,
    labelFont: FONT,
    font: FONT,
    stroke: ink,
    size,
    labelSize: 18,
    labelGap: 2,
    grid: { stroke: token("line"), width: 1 },
    ticks: { stroke: token("line"), width: 1, size: 5 },
    values: (_, splits) => splits.map((v) => (v === null ? "" : short(v))),
  };
}

function decorate(u: uPlot, panel: Panel, data: Aligned): void {
  const pen = u.ctx;
  const { left, top, width, height } = u.bbox;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  panel.traces.forEach((trace, i) => trace.points && whiskers(u, data, i, series(trace.colour ?? i)));
  for (const [name, value] of Object.entries(panel.limits ?? {})) level(u, name, value);
  for (const mark of panel.marks ?? []) upright(u, mark);
  pen.restore();
}

function whiskers(u: uPlot, data: Aligned, i: number, colour: string): void {
  const trace = data.traces[i];
  if (!trace?.band) return;
  const pen = u.ctx;
  const cap = 4 * devicePixelRatio;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * devicePixelRatio;
  data.x.forEach((x, k) => {
    const [low, high] = [trace.low[k], trace.high[k]];
    if (low === null || low === undefined || high === null || high === undefined) return;
    const at = u.valToPos(x, "x", true);
    const [a, b] = [u.valToPos(low, "y", true), u.valToPos(high, "y", true)];
    pen.beginPath();
    pen.moveTo(at, a);
    pen.lineTo(at, b);
    pen.moveTo(at - cap, a);
    pen.lineTo(at + cap, a);
    pen.moveTo(at - cap, b);
    pen.lineTo(at + cap, b);
    pen.stroke();
  });
}

function level(u: uPlot, name: string, value: number): void {
  const pen = u.ctx;
  const y = u.valToPos(value, "y", true);
  pen.strokeStyle = token("bad");
  pen.setLineDash([7 * devicePixelRatio, 4 * devicePixelRatio]);
  pen.lineWidth = 1.2 * devicePixelRatio;
  pen.beginPath();
  pen.moveTo(u.bbox.left, y);
  pen.lineTo(u.bbox.left + u.bbox.width, y);
  pen.stroke();
  pen.setLineDash([]);
  pen.fillStyle = token("bad");
  pen.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  pen.textAlign = "right";
  const below = y - u.bbox.top < 16 * devicePixelRatio;
  pen.textBaseline = below ? "top" : "bottom";
  pen.fillText(`${name} ${number(value)}`, u.bbox.left + u.bbox.width - 4 * devicePixelRatio, y + (below ? 3 : -3) * devicePixelRatio);
}

function upright(u: uPlot, x: number): void {
  const pen = u.ctx;
  const at = u.valToPos(x, "x", true);
  pen.strokeStyle = token("muted");
  pen.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  pen.lineWidth = devicePixelRatio;
  pen.beginPath();
  pen.moveTo(at, u.bbox.top);
  pen.lineTo(at, u.bbox.top + u.bbox.height);
  pen.stroke();
  pen.setLineDash([]);
}
