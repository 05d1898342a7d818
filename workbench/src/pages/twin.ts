/** One twin: its head, its tabs, and what is new about it while it is looked at. */

import { tagged, url } from "../api/client.ts";
import type { Twin } from "../api/types.ts";
import { h, type Child } from "../core/dom.ts";
import { when } from "../core/format.ts";
import { here, href, type Place } from "../core/router.ts";
import { alarms, badge, chip } from "../ui/badge.ts";
import type { Context, Page } from "./table.ts";

type Body = (twin: Twin, place: Place, context: Context) => Promise<HTMLElement>;

const TABS: readonly (readonly [string, string, () => Promise<Body>])[] = [
  ["", "Timeline", async () => (await import("./home.ts")).home],
  ["images", "Images", async () => (await import("./images.ts")).images],
  ["charts", "Charts", async () => (await import("./charts.ts")).charts],
  ["decide", "Decide", async () => (await import("./decide.ts")).decide],
  ["ledger", "Ledger", async () => (await import("./twin_ledger.ts")).twinLedger],
  ["evidence", "Evidence", async () => (await import("./evidence.ts")).evidence],
  ["retract", "Retract", async () => (await import("./retract.ts")).retract],
];

export async function twin(place: Place, context: Context): Promise<Page> {
  const [, id = "", name = ""] = place.path;
  const asked = new URLSearchParams([...place.query].filter(([key]) => key === "as_of" || key === "known_at"));
  const shown = await tagged<Twin>(`/api/twins/${encodeURIComponent(id)}${asked.size ? `?${asked}` : ""}`, context.signal);
  const tab = TABS.find(([path]) => path === name) ?? TABS[0];
  const body = await (await tab?.[2]())?.(shown, place, context);
  const title = `${shown.title || shown.id} · ${tab?.[1] ?? ""}`;
  return [title, h("div", { class: "page", "data-testid": `page-twin-${name || "timeline"}` }, head(shown, asked), moved(shown, context), tabs(id, name), body)];
}

function head(twin: Twin, asked: URLSearchParams): HTMLElement {
  const words = Array.isArray(twin.taint_words) ? twin.taint_words.join("; ") : String(twin.taint_words ?? "");
  return h(
    "div",
    { class: "twin-head" },
    h("div", { class: "title" }, h("h1", {}, twin.title || twin.id), badge(twin.badge), twin.alarms.length ? alarms(twin.alarms.length) : null),
    h("dl", { class: "line" }, fact("system", twin.system.replaceAll("_", " ")), fact("version", twin.version), fact("believed at", when(twin.at)), fact("next", when(twin.next_at)), given(twin), fact("id", h("span", { class: "mono" }, twin.id)), fact("report", h("a", { href: url(`/api/twins/${encodeURIComponent(twin.id)}/report`), download: "", "data-testid": "report" }, "download"))),
    twin.tainted ? h("div", { class: "state error", role: "alert", "data-testid": "taint" }, h("strong", {}, "Tainted. "), words || "Something it rests on was withdrawn.", " ", h("a", { href: href(["twins", twin.id, "retract"]) }, "See what, and compute it again"), ".") : null,
    asked.size ? h("div", { class: "state", role: "note" }, `As it was believed at ${when(asked.get("as_of") ?? asked.get("known_at"))}. `, h("a", { href: href(["twins", twin.id]) }, "Back to now"), ".") : null,
  );
}

/** How much was given of what is prescribed; more than that is an error of somebody. */
function given(twin: Twin): HTMLElement | null {
  if (!twin.planned) return null;
  return fact("given", twin.parts > twin.planned ? chip(`${twin.parts}, prescribed ${twin.planned}`, "warn") : `${twin.parts} of ${twin.planned}`);
}

function fact(name: string, value: Child): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function tabs(id: string, name: string): HTMLElement {
  const keep = here().query.get("as_of");
  return h(
    "nav",
    { class: "tabs", "aria-label": "Of this twin" },
    h("ul", {}, TABS.map(([path, title], i) => h("li", {}, h("a", { href: href(path ? ["twins", id, path] : ["twins", id], { as_of: keep }), "aria-current": path === name ? "page" : null, title: `key ${i + 1}`, "data-testid": `tab-${path || "timeline"}` }, title)))),
  );
}

/** Says that there is a newer version, and leaves it to the reader when to look: nothing moves under their hands. */
function moved(twin: Twin, context: Context): HTMLElement {
  const place = h("div", { class: "moved", role: "status", "data-testid": "moved" });
  context.hear((news) => {
    if (news.twin !== twin.id || news.version <= twin.version) return;
    place.replaceChildren(chip(`version ${news.version}`, "warn"), ` ${news.kind}: ${news.words} `, h("button", { type: "button", class: "small", onclick: () => dispatchEvent(new Event("themechange")) }, "Show it"));
  });
  return place;
}
