/** Why to believe it: from the newest decision back to each image, the model's card and its conformance. */

import { maybe } from "../api/client.ts";
import type { Provenance, ProvenanceNode, Twin } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { when } from "../core/format.ts";
import { href, keep, type Place } from "../core/router.ts";
import { draw } from "../graph/draw.ts";
import { laidOut, upstream, type Placed } from "../graph/layout.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { rasterised, savePicture, tool } from "../ui/download.ts";
import { empty, pending } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import { modelCard } from "./models.ts";
import type { Context } from "./table.ts";

export async function evidence(twin: Twin, place: Place, context: Context): Promise<HTMLElement> {
  const graph = pending("the provenance graph", async () => {
    const found = await maybe<Provenance>(`/api/twins/${encodeURIComponent(twin.id)}/provenance`, context.signal);
    return found?.nodes.length ? provenance(found, place.query.get("node") ?? "", twin) : empty("There is no provenance to draw", "It begins with the first image.");
  });
  const model = pending("the model's card", async () => modelCard(twin.system, context));
  return h("div", { class: "stack" }, graph, model);
}

function provenance(graph: Provenance, start: string, twin: Twin): HTMLElement {
  const held = h("div", { class: "scroll graph-box", tabindex: "0", role: "region", "aria-label": "Provenance graph" });
  const said = h("div", { "aria-live": "polite", "data-testid": "node-words" });
  let drawing: SVGSVGElement;
  const show = (chosen: Placed | undefined, focus: boolean): void => {
    keep({ node: chosen?.id ?? null });
    drawing = draw(graph, chosen?.id ?? "", (node) => show(node.id === chosen?.id ? undefined : node, true));
    replace(held, drawing);
    replace(said, chosen ? words(chosen, graph, twin) : h("p", { class: "note" }, "Press a node: what it rests on and what rests on it stays bright, and its details stand here."));
    if (focus) drawing.querySelector<SVGElement>("[aria-pressed=true]")?.focus();
  };
  const nodes = laidOut(graph).nodes;
  show(nodes.find((n) => n.id === start), false);
  requestAnimationFrame(() => (held.scrollLeft = held.scrollWidth));
  const picture = async (): Promise<void> => {
    const [image, size] = await rasterised(drawing, 1.5);
    await savePicture([image], [size], { title: `${twin.title || twin.id}: provenance`, lines: [`version ${twin.version}`] }, 1.5);
  };
  return card("Provenance", { id: "provenance", note: "Causes on the left, what rests on them on the right; dashed: tainted", tools: tool("PNG", "Picture of the graph", () => void picture()) }, held, said);
}

function words(node: Placed, graph: Provenance, twin: Twin): HTMLElement {
  const first = node.members[0];
  const behind = first ? upstream(graph.edges, first.id) : new Set<string>();
  const images = graph.nodes.filter((n) => n.kind === "original" && behind.has(n.id));
  const isImage = node.kind === "original" || node.kind === "artefact";
  return h(
    "div",
    { class: "node-words" },
    h("h3", {}, node.members.length > 1 ? `${node.members.length} ${node.kind}s` : node.label, node.tainted ? [" ", chip("tainted", "bad")] : null),
    h("p", {}, `${node.kind}${node.at ? `, ${when(node.at)}` : ""}. `, images.length ? `Rests on ${images.length} originals. ` : "", node.at && isImage ? h("a", { href: href(["twins", twin.id, "images"], { t: node.at }) }, "Look at the images of that time") : null),
    node.members.length > 1 ? table<ProvenanceNode>("Members", [{ title: "Label", key: true, cell: (n) => n.label }, { title: "Id", cell: (n) => h("span", { class: "mono muted" }, n.id.slice(0, 40)) }, { title: "When", cell: (n) => when(n.at) }], node.members.slice(0, 200)) : h("p", { class: "mono muted" }, first?.id ?? ""),
  );
}
