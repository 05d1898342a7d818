/** A panel as people use it: the plot, a legend that reads values under the cursor, the same as a table, PNG and CSV. */

import type uPlot from "uplot";
import type { Panel } from "../api/types.ts";
import { series } from "../core/colour.ts";
import { h } from "../core/dom.ts";
import { named, number, pretty, unitOf } from "../core/format.ts";
import { csv, fileName, save, savePicture, tool } from "../ui/download.ts";
import { plain } from "../ui/table.ts";
import { plot } from "./plot.ts";
import { asRows, type Aligned } from "./trace.ts";

export function panelView(given: Panel, context: string): HTMLElement {
  const panel = { ...given, title: /^\S+_\S+$/.test(given.title) ? named(given.title)[0] : given.title, x_label: pretty(given.x_label), y_label: pretty(unitOf(given.y_label)) };
  const place = h("div", { class: "plot" });
  const legend = h("ul", { class: "legend" });
  const values = panel.traces.map((trace, i) => {
    const value = h("span", { class: "value" });
    const swatch = h("span", { class: trace.points ? "swatch dot" : "swatch", "aria-hidden": "true", style: { background: series(trace.colour ?? i) } });
    legend.append(h("li", {}, swatch, trace.name, value));
    return value;
  });
  const rows = h("div", { class: "rows", hidden: true });
  const title = panel.title || context;
  let chart: uPlot | undefined;
  const figure = h(
    "figure",
    { class: "panel", "data-testid": `panel-${fileName(title)}` },
    h("figcaption", {}, h("h3", {}, title), h("div", { class: "tools" }, tableTool(panel, title, rows, place), tool("CSV", `Data of ${title} as CSV`, () => saveRows(panel, context)), tool("PNG", `Picture of ${title}`, () => chart && void savePlot(chart, panel, context)))),
    place,
    rows,
    legend,
  );
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", described(panel, title));
  // Drawn once it has a width.
  requestAnimationFrame(() => {
    if (place.isConnected) chart = plot(panel, place, (index, data) => show(index, data, values));
  });
  return figure;
}

function show(index: number | null, data: Aligned, values: readonly HTMLElement[]): void {
  data.traces.forEach((trace, i) => {
    const y = index === null ? null : (trace.y[index] ?? null);
    const [low, high] = index === null ? [null, null] : [trace.low[index] ?? null, trace.high[index] ?? null];
    const node = values[i];
    if (node) node.textContent = y === null ? "" : low === null ? number(y) : `${number(y)} (${number(low)} to ${number(high)})`;
  });
}

function described(panel: Panel, title: string): string {
  const limits = Object.entries(panel.limits ?? {}).map(([name, value]) => `${name} at ${number(value)}`);
  const traces = panel.traces.map((t) => t.name).slice(0, 8).join(", ");
  return `${title}: ${panel.y_label} against ${panel.x_label}; ${traces}${limits.length ? `; limits: ${limits.join(", ")}` : ""}. The button Table shows the numbers.`;
}

function tableTool(panel: Panel, title: string, rows: HTMLElement, place: HTMLElement): HTMLElement {
  const button = tool("Table", `Numbers of ${title} as a table`, () => {
    rows.hidden = !rows.hidden;
    place.hidden = !rows.hidden;
    button.setAttribute("aria-pressed", String(!rows.hidden));
    if (!rows.childElementCount) rows.append(plain(title, heads(panel), thinned(panel).map((row) => row.map((v) => (typeof v === "number" ? number(v, 4) : (v ?? ""))))));
  });
  button.setAttribute("aria-pressed", "false");
  return button;
}

/** At most 60 rows a trace: a table is read, not plotted; the CSV has all. */
function thinned(panel: Panel): (string | number | null)[][] {
  return panel.traces.flatMap((trace) => {
    const rows = asRows({ traces: [trace] });
    const step = Math.ceil(rows.length / 60);
    return rows.filter((_, i) => i % step === 0 || i === rows.length - 1);
  });
}

function heads(panel: Panel): string[] {
  return ["series", panel.x_label || "x", panel.y_label || "y", "low", "high"];
}

function saveRows(panel: Panel, context: string): void {
  save(`${fileName(context, panel.title)}.csv`, csv(heads(panel), asRows(panel)));
}

function savePlot(chart: uPlot, panel: Panel, context: string): Promise<void> {
  const canvas = chart.ctx.canvas;
  const lines = [context, `${panel.y_label} against ${panel.x_label}`, `saved ${new Date().toISOString().slice(0, 16)}Z`];
  const legend = panel.traces.map((t, i) => ({ name: t.name, colour: series(t.colour ?? i) }));
  return savePicture([canvas], [[canvas.width, canvas.height]], { title: panel.title || context, lines, legend }, devicePixelRatio);
}
