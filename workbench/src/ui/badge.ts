/** model, shadow or twin: what the software itself says it holds; and other short marks. Each has a shape as well as a colour. */

import type { Badge } from "../api/types.ts";
import { h } from "../core/dom.ts";

const MEANING: Readonly<Record<Badge, readonly [string, string]>> = {
  model: ["○", "nothing observed yet"],
  shadow: ["◐", "observed, but no decision whose outcome came back"],
  twin: ["●", "the loop has closed at least once"],
};

export function badge(kind: Badge): HTMLElement {
  const [mark, words] = MEANING[kind] ?? ["?", "unknown"];
  return h("span", { class: `badge ${kind}`, title: words, "data-testid": "badge" }, h("span", { "aria-hidden": "true" }, mark), ` ${kind}`);
}

export function chip(text: string, kind: "good" | "warn" | "bad" | "plain" = "plain", title = ""): HTMLElement {
  const mark = { good: "✓", warn: "▲", bad: "✕", plain: "" }[kind];
  return h("span", { class: `chip ${kind}`, title: title || null }, mark ? h("span", { "aria-hidden": "true" }, `${mark} `) : null, text);
}

export function alarms(count: number): HTMLElement | string {
  return count ? chip(`${count} ${count === 1 ? "alarm" : "alarms"}`, "warn") : "none";
}

export function tainted(is: boolean): HTMLElement | string {
  return is ? chip("tainted", "bad", "something it rests on was withdrawn; recompute it") : "";
}
