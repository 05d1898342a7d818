/** The installed models: what each is for, where it holds, and how it passed its examination. */

import { get, maybe } from "../api/client.ts";
import { h, type Child } from "../core/dom.ts";
import { number } from "../core/format.ts";
import { href, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { harmless, markdown } from "../ui/markdown.ts";
import { empty } from "../ui/state.ts";
import { table, type Column } from "../ui/table.ts";
import type { Context, Page } from "./table.ts";

interface ModelRow {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly evidence: unknown;
  readonly conformance: unknown;
}

interface Line {
  readonly section: string;
  readonly line: string;
  readonly criterion: string;
  readonly number: number;
  readonly low: number;
  readonly high: number;
  readonly passed: boolean | null;
  readonly note: string;
}

interface Model {
  readonly name: string;
  readonly card_markdown?: string;
  readonly card_html?: string;
  readonly conformance?: Readonly<Record<string, unknown>> | null;
}

export async function models(place: Place, context: Context): Promise<Page> {
  const name = place.path[1];
  if (name) return [name, h("div", { class: "page", "data-testid": "page-model" }, h("div", { class: "title" }, h("h1", {}, name.replaceAll("_", " "))), h("p", {}, h("a", { href: href(["models"]) }, "All models")), await modelCard(name, context))];
  const found = await get<{ models: readonly ModelRow[] }>("/api/models", context.signal);
  const columns: Column<ModelRow>[] = [
    { title: "Model", key: true, cell: (m) => h("a", { href: href(["models", m.name]) }, m.name.replaceAll("_", " ")) },
    { title: "Version", cell: (m) => m.version },
    { title: "What it is", cell: (m) => m.title ?? "" },
    { title: "Evidence", cell: (m) => text(m.evidence) },
    { title: "Conformance", cell: (m) => verdict(m.conformance) },
  ];
  return ["Models", h("div", { class: "page", "data-testid": "page-models" }, h("div", { class: "title" }, h("h1", {}, "Models")), found.models.length ? table("Models", columns, found.models, { id: "models-table" }) : empty("No model is installed", "Models come with the package; install it again."))];
}

export async function modelCard(name: string, context: Context): Promise<HTMLElement> {
  const found = await maybe<Model>(`/api/models/${encodeURIComponent(name)}`, context.signal);
  if (!found) return empty(`There is no card of the model ${name}`, "See the ", h("a", { href: href(["models"]) }, "models"), ".");
  const words = found.card_markdown ? markdown(found.card_markdown) : found.card_html ? harmless(found.card_html) : empty("The card is empty");
  return h("div", { class: "stack" }, card(`Model card: ${name.replaceAll("_", " ")}`, { id: "model-card" }, words), conformance(found.conformance ?? null));
}

function conformance(found: Readonly<Record<string, unknown>> | null): HTMLElement | null {
  if (!found) return card("Conformance", { id: "conformance" }, empty("This model was not examined on this machine", h("code", {}, "gemel conform"), " examines it on synthetic patients."));
  const rows = (found["table"] ?? found["lines"]) as readonly Line[] | undefined;
  const facts = Object.entries(found).filter(([, v]) => typeof v === "string" || typeof v === "number").map(([k, v]) => `${k.replaceAll("_", " ")}: ${String(v)}`);
  return card("Conformance", { id: "conformance", note: facts.join(" · ") }, rows?.length ? lines(rows) : h("p", {}, verdict(found)));
}

function lines(rows: readonly Line[]): HTMLElement {
  return table<Line>("Conformance", [
    { title: "Section", cell: (r) => r.section },
    { title: "What", key: true, cell: (r) => r.line },
    { title: "Criterion", cell: (r) => r.criterion },
    { title: "Number", number: true, cell: (r) => number(r.number) },
    { title: "95 %", number: true, cell: (r) => `${number(r.low)} to ${number(r.high)}` },
    { title: "Verdict", cell: (r) => (r.passed === null ? chip("reported") : r.passed ? chip("passed", "good") : chip("failed", "bad")) },
    { title: "Note", cell: (r) => r.note },
  ], rows, { id: "conformance-table" });
}

function verdict(value: unknown): Child {
  if (value === null || value === undefined) return h("span", { class: "muted" }, "not examined here");
  if (typeof value === "boolean") return value ? chip("conformant", "good") : chip("not conformant", "bad");
  if (typeof value === "string") return value;
  const passed = (value as Record<string, unknown>)["conformant"];
  return typeof passed === "boolean" ? verdict(passed) : text(value);
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(text).join("; ");
  if (typeof value === "object") return Object.entries(value).map(([k, v]) => `${k.replaceAll("_", " ")} ${text(v)}`).join("; ");
  return String(value);
}
