/** Which page a URL names. Pages are loaded when they are first opened. */

import type { News } from "../api/stream.ts";
import type { Session } from "../api/types.ts";
import { h } from "../core/dom.ts";
import { href, type Place } from "../core/router.ts";
import { empty } from "../ui/state.ts";

/** What every page is given: who looks, a signal that ends with the page, a way to speak, and the news. */
export interface Context {
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly say: (words: string) => void;
  readonly hear: (take: (news: News) => void) => void;
}

export type Page = readonly [title: string, content: HTMLElement];
type Make = (place: Place, context: Context) => Promise<Page>;

const PAGES: Readonly<Record<string, () => Promise<Make>>> = {
  twins: async () => (await import("./twins.ts")).twins,
  ledger: async () => (await import("./ledger.ts")).ledger,
  cohorts: async () => (await import("./cohort.ts")).cohorts,
  scanners: async () => (await import("./scanner.ts")).scanners,
  queue: async () => (await import("./queue.ts")).queue,
  series: async () => (await import("./series.ts")).series,
  models: async () => (await import("./models.ts")).models,
  access: async () => (await import("./access.ts")).access,
};
const TWIN: Make = async (place, context) => (await import("./twin.ts")).twin(place, context);

export async function page(place: Place, context: Context): Promise<Page> {
  const [name = "twins", id] = place.path;
  if (name === "twins" && id) return TWIN(place, context);
  const load = PAGES[name];
  return load ? (await load())(place, context) : ["Not found", lost(name)];
}

function lost(name: string): HTMLElement {
  return h("div", { class: "page", "data-testid": "page-lost" }, h("div", { class: "title" }, h("h1", {}, "Not found")), empty(`There is no page "${name}"`, "Go to the ", h("a", { href: href(["twins"]) }, "list of twins"), "."));
}
