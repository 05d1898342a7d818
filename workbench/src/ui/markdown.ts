/** The little of Markdown that model cards use, as elements; nothing is ever parsed as HTML. */

import { h, type Child } from "../core/dom.ts";
import { plain } from "./table.ts";

export function markdown(text: string): HTMLElement {
  const lines = text.replaceAll("\r", "").split("\n");
  const out: Child[] = [];
  for (let i = 0; i < lines.length; ) {
    const [block, next] = one(lines, i);
    if (block) out.push(block);
    i = next;
  }
  return h("div", { class: "prose" }, out);
}

function one(lines: readonly string[], i: number): [Child, number] {
  const line = lines[i] ?? "";
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) return [h(heading[1]?.length === 1 ? "h3" : "h4", {}, inline(heading[2] ?? "")), i + 1];
  if (/^\s*$/.test(line)) return [null, i + 1];
  if (/^```/.test(line)) return block(lines, i, (l) => /^```/.test(l), (kept) => h("pre", {}, kept.slice(1).join("\n")), 1);
  if (/^\s*[-*]\s/.test(line)) return block(lines, i, (l) => !/^\s*([-*]\s|\s+\S)/.test(l), (kept) => h("ul", {}, items(kept)), 0);
  if (/^\s*\|/.test(line)) return block(lines, i, (l) => !/^\s*\|/.test(l), rows, 0);
  return block(lines, i, (l) => /^\s*$|^#|^\s*[-*]\s|^\s*\||^```/.test(l), (kept) => h("p", {}, inline(kept.join(" "))), 0);
}

function block(lines: readonly string[], from: number, ends: (line: string) => boolean, make: (kept: string[]) => Child, skip: number): [Child, number] {
  let to = from + 1;
  while (to < lines.length && !ends(lines[to] ?? "")) to++;
  return [make(lines.slice(from, to)), to + skip];
}

function items(lines: readonly string[]): Child[] {
  const found: string[] = [];
  for (const line of lines) {
    if (/^\s*[-*]\s/.test(line)) found.push(line.replace(/^\s*[-*]\s/, ""));
    else found[found.length - 1] += ` ${line.trim()}`;
  }
  return found.map((text) => h("li", {}, inline(text)));
}

function rows(lines: readonly string[]): Child {
  const cells = lines.map((l) => l.trim().replace(/^\||\|$/g, "").split("|").map((c) => c.trim()));
  const body = cells.filter((row, i) => i > 0 && !row.every((c) => /^:?-*:?$/.test(c)));
  return plain("Table of the card", cells[0] ?? [], body);
}

/** Code, strong, emphasis and links; links only to http(s), opened elsewhere and without telling from where. */
function inline(text: string): Child[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)\s]+\))/).map((part) => {
    if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\((https?:[^)\s]+)\)$/.exec(part);
    return link ? h("a", { href: link[2] ?? "", rel: "noreferrer noopener", target: "_blank" }, link[1] ?? "") : part;
  });
}

/** The text of a card that came as HTML: read as a document that runs nothing, and only its text and plain structure kept. */
export function harmless(html: string): HTMLElement {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return h("div", { class: "prose" }, [...parsed.body.childNodes].map(copy));
}

const KEPT = new Set(["P", "UL", "OL", "LI", "STRONG", "EM", "B", "I", "CODE", "PRE", "H1", "H2", "H3", "H4", "TABLE", "THEAD", "TBODY", "TR", "TD", "TH", "DL", "DT", "DD", "BR", "SUB", "SUP", "BLOCKQUOTE"]);

function copy(node: Node): Child {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (!(node instanceof HTMLElement) || /^(SCRIPT|STYLE|IFRAME|OBJECT|SVG)$/i.test(node.tagName)) return null;
  const children = [...node.childNodes].map(copy);
  if (!KEPT.has(node.tagName)) return children;
  const tag = { H1: "h3", H2: "h3", H3: "h4" }[node.tagName] ?? node.tagName.toLowerCase();
  return h(tag as "p", {}, children);
}
