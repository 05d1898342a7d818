/** The provenance graph as SVG: every node can be focused and pressed; what the pressed one rests on stays bright. */

import type { Provenance } from "../api/types.ts";
import { series, token } from "../core/colour.ts";
import { s } from "../core/dom.ts";
import { when } from "../core/format.ts";
import { downstream, laidOut, upstream, type Placed } from "./layout.ts";

const [W, H, GAP_X, GAP_Y, PAD] = [176, 42, 40, 10, 10];
const COLOURS: Readonly<Record<Placed["kind"], number>> = { event: 0, original: 2, artefact: 7, decision: 4 };
const FONT = { "font-family": "system-ui, sans-serif", "font-size": 12 };

export function draw(graph: Provenance, chosen: string, press: (node: Placed) => void): SVGSVGElement {
  const laid = laidOut(graph);
  const x = (n: Placed): number => PAD + n.layer * (W + GAP_X);
  const height = PAD * 2 + laid.rows * (H + GAP_Y);
  const inLayer = new Map<number, number>();
  for (const n of laid.nodes) inLayer.set(n.layer, Math.max(inLayer.get(n.layer) ?? 0, n.row + 1));
  const y = (n: Placed): number => PAD + (height - 2 * PAD - (inLayer.get(n.layer) ?? 1) * (H + GAP_Y)) / 2 + n.row * (H + GAP_Y);
  const at = new Map(laid.nodes.map((n) => [n.id, n]));
  const lit = chosen ? new Set([chosen, ...upstream(laid.edges, chosen), ...downstream(laid.edges, chosen)]) : null;
  const width = PAD * 2 + laid.layers * (W + GAP_X) - GAP_X;
  const lines = laid.edges.map(([a, b]) => {
    const [from, to] = [at.get(a), at.get(b)];
    return from && to ? edge(x(from) + W, y(from) + H / 2, x(to), y(to) + H / 2, !lit || (lit.has(a) && lit.has(b))) : null;
  });
  const boxes = laid.nodes.map((n) => node(n, x(n), y(n), !lit || lit.has(n.id), n.id === chosen, press));
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "graph", role: "group", "aria-label": "Provenance: what rests on what, causes on the left", "data-testid": "provenance-svg" }, lines, boxes);
}

function edge(x0: number, y0: number, x1: number, y1: number, lit: boolean): SVGElement {
  const bend = Math.max(18, (x1 - x0) / 2);
  return s("path", { d: `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`, fill: "none", stroke: lit ? token("muted") : token("line"), "stroke-width": lit ? 1.4 : 1 });
}

function node(n: Placed, x: number, y: number, lit: boolean, chosen: boolean, press: (node: Placed) => void): SVGElement {
  const title = n.members.length > 1 ? `${n.members.length} ${n.kind}s` : n.label;
  const words = `${title}${n.at ? `, ${when(n.at)}` : ""}${n.tainted ? ", tainted" : ""}`;
  const under = `${n.kind}${n.at ? ` · ${when(n.at)}` : ""}`;
  const colour = n.tainted ? series(1) : series(COLOURS[n.kind] ?? 0);
  const cut = (text: string): string => (text.length > 23 ? `${text.slice(0, 22)}…` : text);
  const act = (event: Event): void => {
    if (event instanceof KeyboardEvent && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press(n);
  };
  return s(
    "g",
    { tabindex: "0", role: "button", "aria-label": `${cut(title)} ${under}. ${words}`, "aria-pressed": String(chosen), class: "node", opacity: lit ? 1 : 0.45, onclick: act, onkeydown: act },
    s("rect", { x, y, width: W, height: H, rx: 6, fill: token("surface"), stroke: chosen ? token("ink") : colour, "stroke-width": chosen ? 2.5 : 1.4, "stroke-dasharray": n.tainted ? "5 3" : null }),
    s("rect", { x, y: y + 6, width: 5, height: H - 12, fill: colour }),
    s("text", { ...FONT, x: x + 12, y: y + 18, fill: token("ink") }, `${cut(title)} `),
    s("text", { ...FONT, "font-size": 11, x: x + 12, y: y + 33, fill: token("muted") }, under),
  );
}
