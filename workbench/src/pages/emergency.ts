/** A way past a missing care relationship, for those whom the policy lets: an hour, for a reason that the audit log keeps. */

import { send } from "../api/client.ts";
import type { Session } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { card } from "../ui/card.ts";
import { failed } from "../ui/state.ts";

const PURPOSE = "ETREAT";
const SHORTEST = 8;

/** Offered where a twin is not found, which is also what one hears of a patient whom one may not see; null for who may not. */
export function emergency(session: Session, twin: string, opened: () => void): HTMLElement | null {
  if (!session.purposes.some((p) => p.name === PURPOSE)) return null;
  const said = h("div", { "aria-live": "polite" });
  const reason = h("input", { id: "emergency-reason", required: true, minlength: SHORTEST, maxlength: 500, size: 60, autocomplete: "off", "data-testid": "emergency-reason" });
  const take = (event: Event): void => {
    event.preventDefault();
    send("POST", "/api/care/emergency", { twin, reason: reason.value.trim() }).then(opened, (error: unknown) => replace(said, failed(error)));
  };
  return card("An emergency?", { id: "emergency", note: "If this patient's twin exists, it is opened to you for an hour. Your name and reason are kept, and somebody will ask." }, h("form", { onsubmit: take }, h("label", { for: "emergency-reason" }, "Why it must be seen now"), reason, h("div", { class: "bar" }, h("button", { class: "danger", "data-testid": "emergency-take" }, "Open for an hour"))), said);
}
