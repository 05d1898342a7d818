/** What stands beside the picture: values under the cursor, the scale of the overlay, the levels of its isolines, and the picture to take away. */

import type { ImageInfo } from "../api/types.ts";
import { ISODOSE } from "../core/colour.ts";
import { h, type Child } from "../core/dom.ts";
import { number, when } from "../core/format.ts";
import { savePicture } from "../ui/download.ts";
import { at, flipped } from "../viewer/geometry.ts";
import type { Lined, Outlined } from "../viewer/lines.ts";
import type { Scene } from "../viewer/scene.ts";
import type { Layer, Viewer } from "../viewer/viewer.ts";
import type { Vec3 } from "../viewer/volume.ts";
import type { Of } from "./images.ts";
import type { View } from "./images_view.ts";

const SHARES = [0.2, 0.4, 0.6, 0.8, 0.9, 0.98];

/** Levels at shares of the top of the window; of a dose that is its maximum. */
export function levelsOf(image: ImageInfo | null, layer: Layer): Lined["levels"] {
  const top = image?.window?.[1] ?? layer.window[1];
  return SHARES.map((share, i) => ({ share, value: share * top, colour: ISODOSE[i] ?? "#ffffff" }));
}

export function readout(lps: Vec3, scene: Scene, anatomy: Layer | null, overlay: Layer | null, outlined: readonly Outlined[]): Child {
  const ras = flipped(lps);
  const value = (image: ImageInfo | null, layer: Layer | null): Child => (image && layer && image.role !== "structures" ? h("span", {}, h("em", {}, image.name), ` ${number(at(layer.volume, ras))} ${image.unit}`) : null);
  const within = outlined.flatMap((o) => {
    const found = at(o.volume, ras);
    return o.labels.filter((label) => label.value === found).map((label) => label.name.replaceAll("_", " "));
  });
  return [
    h("span", { class: "mono", "data-testid": "cursor" }, h("em", {}, "LPS"), ` ${lps.map((mm) => mm.toFixed(1).replace("-", "−")).join("  ")} mm`),
    value(scene.anatomy, anatomy),
    value(scene.overlay, overlay),
    within.length ? h("span", {}, h("em", {}, "in"), ` ${within.join(", ")}`) : null,
  ];
}

export function legendOf(viewer: Viewer, scene: Scene, overlay: Layer | null, lined: Lined | null, view: View): Child {
  if (!overlay || !scene.overlay || !view.overOn) return null;
  const unit = scene.overlay.unit;
  const top = scene.overlay.window?.[1] ?? overlay.window[1];
  return h(
    "div",
    { class: "card", "data-testid": "overlay-legend" },
    h("h3", {}, `${scene.overlay.name}${unit ? ` / ${unit}` : ""}`),
    bar(viewer.scale(overlay.colours)),
    h("div", { class: "ends" }, h("span", {}, number(overlay.window[0])), h("span", {}, number(overlay.window[1]))),
    view.isolines && lined ? h("ul", { class: "levels" }, lined.levels.map((l) => h("li", {}, h("span", { class: "swatch line", style: { background: l.colour } }), `${Math.round(100 * l.share)} % · ${number(l.value)} ${unit}`))) : null,
    view.isolines && lined ? h("p", { class: "note" }, `of ${number(top)} ${unit}${scene.overlay.role === "dose" ? ", the maximum" : ""}`) : null,
  );
}

function bar(scale: Uint8ClampedArray): HTMLCanvasElement {
  const n = scale.length / 4;
  const canvas = h("canvas", { width: n, height: 1, class: "scale", "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  const pixels = new ImageData(n, 1);
  for (let i = 0; i < scale.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (scale[i] ?? 0);
  pen?.putImageData(pixels, 0, 0);
  return canvas;
}

export async function savePlanes(volume: HTMLCanvasElement, lines: HTMLCanvasElement, of: Of, scene: Scene, view: View, lined: Lined | null): Promise<void> {
  const sheet = h("canvas", { width: volume.width, height: volume.height });
  const pen = sheet.getContext("2d");
  pen?.drawImage(volume, 0, 0);
  pen?.drawImage(lines, 0, 0);
  const anatomy = scene.anatomy ? `${scene.anatomy.name} of ${when(scene.anatomy.at)}, ${scene.anatomy.unit}` : "";
  const overlay = scene.overlay && view.overOn ? `; overlay ${scene.overlay.name} of ${when(scene.overlay.at)}, ${scene.overlay.unit}` : "";
  const where = view.cursor ? `cursor LPS ${view.cursor.map((mm) => mm.toFixed(1)).join(", ")} mm` : "";
  const unit = scene.overlay?.unit ?? "";
  const levels = view.overOn && view.isolines ? (lined?.levels ?? []).map((l) => ({ name: `${Math.round(100 * l.share)} % ${number(l.value)} ${unit}`, colour: l.colour })) : [];
  const regions = view.outlines ? scene.structures.flatMap((i) => i.labels ?? []).filter((l) => !view.hidden.has(l.name)) : [];
  const legend = [...levels, ...regions.slice(0, 8).map((l) => ({ name: l.name.replaceAll("_", " "), colour: l.colour }))];
  await savePicture([sheet], [[sheet.width, sheet.height]], { title: `${of.title || of.id}: images ${when(view.at)} UTC`, lines: [anatomy + overlay, `${where}${of.version ? `; version ${of.version}` : ""}`], legend }, devicePixelRatio);
}
