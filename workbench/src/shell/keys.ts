/** Shortcuts that hold everywhere; none while a person types. */

import { go, here, href } from "../core/router.ts";
import { openHelp } from "./help.ts";

export const TABS = ["", "images", "charts", "decide", "ledger", "evidence", "retract"] as const;
const JUMPS: Readonly<Record<string, string>> = { t: "twins", l: "ledger", c: "cohorts", s: "scanners", q: "queue", m: "models", a: "access" };

let jumping = false;

export function listen(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (jumping && JUMPS[event.key]) go(href([JUMPS[event.key] ?? "twins"]));
    else if (event.key === "?") openHelp();
    else if (event.key === "/") search(event);
    else tab(event.key);
    jumping = !jumping && event.key === "g";
  });
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
}

function search(event: KeyboardEvent): void {
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  if (!box) return;
  event.preventDefault();
  box.focus();
}

function tab(key: string): void {
  const { path } = here();
  const name = TABS[Number(key) - 1];
  if (path[0] === "twins" && path[1] && name !== undefined) go(href(name ? ["twins", path[1], name] : ["twins", path[1]]));
}
