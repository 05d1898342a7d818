/** The frame around every page: banner, navigation, who is signed in, theme, live events, help. */

import { send, statePurpose, Problem } from "../api/client.ts";
import type { Session } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { here, href } from "../core/router.ts";
import { choose, theme, type Theme } from "../core/theme.ts";
import { openHelp } from "./help.ts";

const PAGES: readonly (readonly [string, string])[] = [
  ["twins", "Twins"],
  ["ledger", "Ledger"],
  ["cohorts", "Cohorts"],
  ["scanners", "Scanners"],
  ["queue", "Queue"],
  ["models", "Models"],
  ["access", "Access"],
];

export interface Frame {
  readonly root: HTMLElement;
  readonly main: HTMLElement;
  readonly say: (words: string) => void;
  readonly live: (connected: boolean) => void;
  readonly mark: () => void;
}

export function frame(session: Session | null, notice: string): Frame {
  const main = h("main", { id: "main", tabindex: "-1" });
  const status = h("span", { class: "live", "data-testid": "live", title: "Whether new events reach this page by themselves" });
  const spoken = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const links = h("ul", {});
  const skip = h("a", { class: "skip", href: "#main", onclick: (event: Event) => { event.preventDefault(); main.focus(); } }, "Skip to the content");
  const root = h(
    "div",
    { class: "frame" },
    skip,
    h("section", { class: "banner", "aria-label": "Research use", "data-testid": "research-banner" }, h("strong", {}, "Research use"), h("span", {}, notice)),
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: href(["twins"]), "aria-label": "gemel, to the twins" }, mark(), "gemel"),
      session && h("nav", { "aria-label": "Pages" }, links),
      h("div", { class: "right" }, session && status, session && who(session), themes(), h("button", { type: "button", class: "small", title: "Keyboard shortcuts (?)", "aria-label": "Keyboard shortcuts", "data-testid": "help", onclick: openHelp }, "?")),
    ),
    main,
    h("footer", {}, `gemel ${session?.version ?? ""} · times are UTC · positions are DICOM LPS in mm · intervals are 90 % unless said`),
    spoken,
  );
  const live = (connected: boolean): void => {
    status.className = connected ? "live on" : "live";
    status.textContent = connected ? "live" : "not live";
  };
  live(false);
  return { root, main, live, say: (words) => replace(spoken, words), mark: () => current(links) };
}

function mark(): HTMLElement {
  const image = h("img", { src: "./favicon.svg", alt: "", width: 22, height: 22 });
  return image;
}

function current(links: HTMLElement): void {
  const page = here().path[0] ?? "twins";
  replace(links, PAGES.map(([path, title]) => h("li", {}, h("a", { href: href([path]), "aria-current": page === path ? "page" : null, "data-testid": `nav-${path}` }, title))));
}

function who(session: Session): HTMLElement {
  const leave = async (): Promise<void> => {
    try {
      await send("DELETE", "/api/session", undefined);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    location.hash = "#/signin";
    location.reload();
  };
  const roles = session.roles.join(", ") || "no role";
  return h("span", { class: "who", "data-testid": "who" }, purposes(session), h("span", { title: roles }, session.user), h("button", { type: "button", class: "small", "data-testid": "sign-out", onclick: () => void leave() }, "Sign out"));
}

function themes(): HTMLElement {
  const names: readonly Theme[] = ["auto", "light", "dark"];
  const select = h("select", { "aria-label": "Colours", "data-testid": "theme", onchange: () => choose(select.value as Theme) }, names.map((n) => h("option", { value: n, selected: n === theme() }, n === "auto" ? "system" : n)));
  return select;
}

/** What the looking is for; the policy and the audit log go by it. */
function purposes(session: Session): HTMLElement | null {
  if (session.purposes.length < 2) return null;
  const state = (): void => {
    statePurpose(select.value);
    location.reload();
  };
  const select = h("select", { "aria-label": "Purpose of use", "data-testid": "purpose", onchange: state }, session.purposes.map((p) => h("option", { value: p.name, selected: p.name === session.purpose, title: p.name }, p.words)));
  return select;
}
