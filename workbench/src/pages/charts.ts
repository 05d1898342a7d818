/** Everything that the system shows of a twin as charts and tables: DVH bands, time–activity, volumes, readouts, control charts. */

import { get } from "../api/client.ts";
import type { Charts, Twin } from "../api/types.ts";
import { panelView } from "../charts/panel.ts";
import { h } from "../core/dom.ts";
import type { Place } from "../core/router.ts";
import { card } from "../ui/card.ts";
import { csv, fileName, save, tool } from "../ui/download.ts";
import { empty, pending } from "../ui/state.ts";
import { plain } from "../ui/table.ts";
import type { Context } from "./table.ts";

export async function charts(twin: Twin, place: Place, context: Context): Promise<HTMLElement> {
  const asOf = place.query.get("as_of");
  const path = `/api/twins/${encodeURIComponent(twin.id)}/charts${asOf ? `?as_of=${encodeURIComponent(asOf)}` : ""}`;
  return pending("charts; the first time after a scan this takes some seconds", async () => drawn(await get<Charts>(path, context.signal), twin.title || twin.id));
}

export function drawn(found: Charts, context: string): HTMLElement {
  if (!found.charts.length && !found.tables.length) return empty("There is nothing to chart yet", "Charts come with the first scan and the first decision.");
  return h(
    "div",
    { class: "stack" },
    found.charts.map((chart) => card(chart.title, { note: chart.note, id: `chart-${fileName(chart.title)}` }, h("div", { class: "panels" }, chart.panels.map((panel) => panelView(panel, `${context}: ${chart.title}`))))),
    found.tables.map((t) => card(t.title, { note: t.note, id: `table-${fileName(t.title)}`, tools: tool("CSV", `${t.title} as CSV`, () => save(`${fileName(context, t.title)}.csv`, csv(t.columns, t.rows))) }, plain(t.title, t.columns, t.rows))),
  );
}
