/** Tables with headers, scrolled inside their own box; numbers stand on the decimal. */

import { h, type Child } from "../core/dom.ts";
import { cell as said, pretty } from "../core/format.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Child;
  readonly number?: boolean;
  readonly key?: boolean;
}

export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly id?: string; readonly mark?: (row: Row) => string; readonly hidden?: boolean } = {},
): HTMLElement {
  const head = h("tr", {}, columns.map((c) => h("th", { scope: "col", class: c.number ? "number" : null }, c.title)));
  const body = rows.map((row) => h("tr", { class: options.mark?.(row) || null }, columns.map((c) => cell(c, row))));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": `${caption}, table` },
    h("table", { "data-testid": options.id ?? null }, h("caption", { class: options.hidden === false ? null : "unseen" }, caption), h("thead", {}, head), h("tbody", {}, body)),
  );
}

function cell<Row>(column: Column<Row>, row: Row): HTMLElement {
  const content = column.cell(row);
  const time = typeof content === "string" && /^\d{4}-\d\d-\d\d( \d\d:\d\d)?$/.test(content);
  const props = { class: column.number ? "number" : time ? "tight" : null };
  return column.key ? h("th", { scope: "row", ...props }, content) : h("td", props, content);
}

/** A table of texts, as a system's report gives it; the first column names the row. */
export function plain(title: string, columns: readonly string[], rows: readonly (readonly string[])[], id?: string): HTMLElement {
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => /^[<>≤≥]?\s*[-−+]?[\d.]/.test(row[i] ?? "") || (row[i] ?? "") === ""));
  const made = columns.map((name, i) => ({ title: pretty(name), cell: (row: readonly string[]) => said(row[i] ?? ""), key: i === 0, number: i > 0 && (numeric[i] ?? false) }));
  return table(title, made, rows, id ? { id } : {});
}
