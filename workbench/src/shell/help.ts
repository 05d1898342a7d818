/** The shortcuts, under `?`. */

import { h } from "../core/dom.ts";

const GROUPS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["Everywhere", [["?", "this list"], ["g t", "twins"], ["g l", "ledger"], ["g c", "cohorts"], ["g s", "scanners"], ["g q", "queue"], ["g m", "models"], ["g a", "access"], ["/", "search on the list of twins"], ["Esc", "close what is open"]]],
  ["On a twin", [["1 … 7", "timeline, images, charts, decide, ledger, evidence, retract"]]],
  ["On images (focus in the picture)", [["↑ ↓", "next axial slice up, down"], ["← →", "next sagittal slice"], ["PgUp PgDn", "next coronal slice"], ["Shift", "five slices at once"], ["[ ]", "earlier, later"], ["o", "overlay on, off"], ["c", "outlines on, off"], ["i", "isolines on, off"], ["+ −", "overlay denser, fainter"]]],
];

let open: HTMLDialogElement | null = null;

export function openHelp(): void {
  if (open) return;
  const dialog = h(
    "dialog",
    { "aria-labelledby": "help-title", "data-testid": "help-dialog" },
    h("header", {}, h("h2", { id: "help-title" }, "Keyboard"), h("button", { type: "button", class: "small", onclick: () => dialog.close() }, "Close")),
    h("div", { class: "keys" }, GROUPS.map(([title, keys]) => h("section", {}, h("h3", {}, title), h("dl", {}, keys.map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words))))))),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    open = null;
  });
  document.body.append(dialog);
  dialog.showModal();
  open = dialog;
}
