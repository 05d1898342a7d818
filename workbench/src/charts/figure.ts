/** An SVG drawing with its title, its numbers as a table, and PNG and CSV to take away. */

import { h } from "../core/dom.ts";
import { number } from "../core/format.ts";
import { csv, fileName, rasterised, save, savePicture, tool } from "../ui/download.ts";
import { plain } from "../ui/table.ts";

export function figure(title: string, context: string, drawing: SVGSVGElement, columns: readonly string[], rows: readonly (readonly (string | number | null)[])[]): HTMLElement {
  const numbers = h("div", { class: "rows", hidden: true });
  const toggle = tool("Table", `Numbers of ${title} as a table`, () => {
    numbers.hidden = !numbers.hidden;
    drawing.toggleAttribute("hidden", !numbers.hidden);
    toggle.setAttribute("aria-pressed", String(!numbers.hidden));
    if (!numbers.childElementCount) numbers.append(plain(title, columns, rows.map((row) => row.map((v) => (typeof v === "number" ? number(v, 4) : (v ?? ""))))));
  });
  toggle.setAttribute("aria-pressed", "false");
  const picture = async (): Promise<void> => {
    const [image, size] = await rasterised(drawing, 2);
    await savePicture([image], [size], { title, lines: [context, `saved ${new Date().toISOString().slice(0, 16)}Z`] }, 2);
  };
  return h(
    "figure",
    { class: "panel", "data-testid": `figure-${fileName(title)}` },
    h("figcaption", {}, h("h3", {}, title), h("div", { class: "tools" }, toggle, tool("CSV", `Data of ${title} as CSV`, () => save(`${fileName(context, title)}.csv`, csv(columns, rows))), tool("PNG", `Picture of ${title}`, () => void picture()))),
    drawing,
    numbers,
  );
}
