/** Small drawings inside tables: an interval on a common scale, a probability. Colours are attributes, so that they can be saved. */

import { series, token } from "../core/colour.ts";
import { s } from "../core/dom.ts";
import { number, percent } from "../core/format.ts";

/** Median and interval on the scale `[from, to]` that all rows share; a tick where zero is within it. */
export function whisker(median: number, low: number, high: number, from: number, to: number, colour = series(0)): SVGSVGElement {
  const width = 110;
  const x = (v: number): number => 4 + ((v - from) / (to - from || 1)) * (width - 8);
  return s(
    "svg",
    { viewBox: `0 0 ${width} 14`, width, height: 14, role: "img", "aria-label": `${number(median)}, ${number(low)} to ${number(high)}`, class: "inline" },
    s("line", { x1: 4, x2: width - 4, y1: 7, y2: 7, stroke: token("line"), "stroke-width": 1 }),
    from < 0 && to > 0 ? s("line", { x1: x(0), x2: x(0), y1: 1, y2: 13, stroke: token("muted"), "stroke-width": 1 }) : null,
    s("line", { x1: x(low), x2: x(high), y1: 7, y2: 7, stroke: colour, "stroke-width": 4, "stroke-opacity": 0.45, "stroke-linecap": "round" }),
    s("circle", { cx: x(median), cy: 7, r: 3.4, fill: colour }),
  );
}

/** A probability as a bar, with the probability that is asked for as a tick. */
export function chance(p: number, asked?: number): SVGSVGElement {
  const width = 64;
  const met = asked === undefined || p >= asked;
  return s(
    "svg",
    { viewBox: `0 0 ${width} 12`, width, height: 12, role: "img", "aria-label": `${percent(p)}${asked === undefined ? "" : ` of ${percent(asked)} asked`}`, class: "inline" },
    s("rect", { x: 0, y: 3, width, height: 6, rx: 3, fill: token("line") }),
    s("rect", { x: 0, y: 3, width: Math.max(width * p, p > 0 ? 2 : 0), height: 6, rx: 3, fill: met ? series(0) : series(1) }),
    asked === undefined ? null : s("line", { x1: width * asked, x2: width * asked, y1: 0, y2: 12, stroke: token("ink"), "stroke-width": 1.5 }),
  );
}
