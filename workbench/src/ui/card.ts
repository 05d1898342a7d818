/** A titled section of a page. */

import { h, type Child } from "../core/dom.ts";

let counter = 0;

export function card(title: string, options: { readonly id?: string; readonly note?: Child; readonly tools?: Child; readonly wide?: boolean }, ...body: Child[]): HTMLElement {
  const id = `card-${++counter}`;
  return h(
    "section",
    { class: options.wide ? "card wide" : "card", "aria-labelledby": id, "data-testid": options.id ?? null },
    h("header", {}, h("h2", { id }, title), options.tools ? h("div", { class: "tools" }, options.tools) : null),
    options.note ? h("p", { class: "note" }, options.note) : null,
    ...body,
  );
}

/** Names with values, as a description list. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  return h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
