/** The patient in three planes and 3-D: anatomy, outlines, an overlay with isolines, and a slider over what was seen and what is foretold. */

import { get } from "../api/client.ts";
import type { ImageInfo, Images, Label, Twin } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { keep, type Place } from "../core/router.ts";
import { empty, failed, loading } from "../ui/state.ts";
import { controls, type Controls } from "./images_controls.ts";
import { levelsOf, readout, legendOf, savePlanes } from "./images_parts.ts";
import { read, type View } from "./images_view.ts";
import type { Context } from "./table.ts";
import { flipped, heart, step as pitch, through } from "../viewer/geometry.ts";
import { usualWindow } from "../viewer/window.ts";
import { paint, type Lined, type Outlined } from "../viewer/lines.ts";
import { anatomies, moments, overlays, scene, usual, type Scene } from "../viewer/scene.ts";
import type { Layer, Viewer } from "../viewer/viewer.ts";
import { volume, type Vec3 } from "../viewer/volume.ts";

/** A coarse first picture, where drawing is slow, is replaced after this. */
const REFINED_AFTER_ms = 1500;

/** What is on the screen now. */
interface Shown {
  scene: Scene;
  anatomy: Layer | null;
  overlay: Layer | null;
  outlined: readonly Outlined[];
  lined: Lined | null;
}

export async function images(twin: Twin, place: Place, context: Context): Promise<HTMLElement> {
  const asOf = place.query.get("as_of");
  const found = await get<Images>(`/api/twins/${encodeURIComponent(twin.id)}/images${asOf ? `?as_of=${encodeURIComponent(asOf)}` : ""}`, context.signal);
  if (!anatomies(found.images).length) return empty("There is no image to show", "The record holds no volume of this twin. Observe a scan: ", h("code", {}, `gemel twin observe ${twin.id} FOLDER`), ".");
  return bench(twin, found.images, place, context);
}

/** What a picture is of, for its title. */
export type Of = Pick<Twin, "id" | "title" | "version" | "at">;

/** The viewer over some images, in the state that the URL names. */
export function bench(of: Of, images: readonly ImageInfo[], place: Place, context: Context): HTMLElement {
  const view = read(place.query, moments(images, of.at), usual(images), of.at);
  return new Bench(of, images, view, context).root;
}

class Bench {
  readonly root: HTMLElement;
  private readonly canvas = h("canvas", { class: "volume", tabindex: "0", role: "application", "aria-label": "Slices through the patient. Arrow keys move the cursor, question mark lists all keys.", "data-testid": "viewer" });
  private readonly lines = h("canvas", { class: "lines", "aria-hidden": "true" });
  private readonly said = h("div", { class: "over", "data-testid": "viewer-state" });
  private readonly values = h("div", { class: "values", "aria-live": "off", "data-testid": "cursor-values" });
  private readonly legend = h("div", { class: "legends" });
  private readonly controls: Controls;
  private viewer: Viewer | null = null;
  private shown: Shown = { scene: { anatomy: null, structures: [], overlay: null }, anatomy: null, overlay: null, outlined: [], lined: null };
  private turn = 0;

  constructor(
    private readonly twin: Of,
    private readonly all: readonly ImageInfo[],
    private view: View,
    private readonly context: Context,
  ) {
    this.controls = controls(all, view, moments(all, twin.at), overlays(all), (change) => this.change(change), () => void this.save());
    const stage = h("div", { class: "stage" }, this.canvas, this.lines, this.said);
    this.root = h("div", { class: "viewer-page", "data-testid": "images" }, h("div", { class: "viewer-main" }, this.controls.time, stage, this.values), h("aside", { class: "viewer-side", "aria-label": "Layers" }, this.controls.layers, this.legend));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    context.signal.addEventListener("abort", () => this.viewer?.end());
    const resized = new ResizeObserver(() => this.viewer?.arrange());
    resized.observe(this.canvas);
    context.signal.addEventListener("abort", () => resized.disconnect());
    this.fetch();
    requestAnimationFrame(() => void this.open());
  }

  /** Volumes come while the viewer is being made ready. Those that fail to come are reported when they are wanted. */
  private fetch(): void {
    const { anatomy, overlay, structures } = scene(this.all, this.view.at, this.view.over, this.view.anatomy);
    for (const image of [anatomy, overlay, ...structures]) if (image) void volume(image.key, image.url).catch(() => undefined);
  }

  private async open(): Promise<void> {
    replace(this.said, loading("the viewer"));
    try {
      const { Viewer } = await import("../viewer/viewer.ts");
      if (this.context.signal.aborted) return;
      this.viewer = await Viewer.on(this.canvas, { moved: (lps) => this.moved(lps), drawn: () => this.drawn(), windowed: (low, high) => this.change({ window: [low, high] }, false) });
      this.viewer.layout(this.view.layout);
      this.viewer.drag(this.view.drag);
      await this.viewer.warm();
      await this.compose();
      this.viewer.cut(this.view.cut);
    } catch (error) {
      replace(this.said, failed(webgl(error), () => void this.open()));
    }
  }

  /** Puts what the view names on the screen. */
  private async compose(): Promise<void> {
    const turn = ++this.turn;
    const { view } = this;
    const next = scene(this.all, view.at, view.over, view.anatomy);
    const parts = [next.anatomy?.name, next.overlay?.name, next.structures.length ? "structures" : ""].filter(Boolean).join(", ");
    replace(this.said, loading(parts));
    try {
      const [anatomy, overlay, ...drawn] = await Promise.all([layer(next.anatomy, view, false), layer(next.overlay, view, true), ...next.structures.map(outlinedOf)]);
      if (turn !== this.turn || !anatomy || !this.viewer) return;
      const lined = overlay ? { key: overlay.key, volume: overlay.volume, levels: levelsOf(next.overlay, overlay) } : null;
      this.shown = { scene: next, anatomy, overlay: overlay ?? null, outlined: drawn, lined };
      const [over, hurried] = [view.overOn ? (overlay ?? null) : null, this.viewer.hurried(anatomy)];
      await this.viewer.show(anatomy, over, view.cursor, hurried);
      replace(this.said);
      replace(this.legend, this.viewer.coarse(anatomy) && h("p", { class: "note", "data-testid": "coarse" }, "Drawn at reduced resolution: this browser has no graphics card. Values under the cursor are of the full image."), legendOf(this.viewer, next, overlay ?? null, lined, view));
      this.controls.structures(next.structures.flatMap((i) => i.labels ?? []), view.hidden);
      this.controls.shown(next, view);
      if (!view.cursor) this.viewer.moveTo(middle(this.shown));
      this.root.dataset["ready"] = "true";
      if (hurried) setTimeout(() => turn === this.turn && !this.context.signal.aborted && void this.viewer?.show(anatomy, over, this.view.cursor), REFINED_AFTER_ms);
    } catch (error) {
      if (turn === this.turn) replace(this.said, failed(error, () => void this.compose()));
    }
  }

  private change(change: Partial<View>, again = true): void {
    const before = this.view;
    this.view = { ...before, ...change };
    keep(this.view.query());
    if (!again) return;
    if (change.layout) this.viewer?.layout(change.layout);
    if (change.drag) this.viewer?.drag(change.drag);
    if (change.cut !== undefined) this.viewer?.cut(change.cut);
    if (change.opacity !== undefined && this.view.overOn) this.viewer?.overlayOpacity(change.opacity);
    if (["at", "over", "overOn", "anatomy", "window"].some((name) => name in change)) void this.compose();
    else this.drawn();
    this.controls.set(this.view);
  }

  private moved(lps: Vec3): void {
    this.view = { ...this.view, cursor: lps };
    keep(this.view.query());
    replace(this.values, readout(lps, this.shown.scene, this.shown.anatomy, this.shown.overlay, this.shown.outlined));
  }

  private drawn(): void {
    if (!this.viewer) return;
    if (this.lines.width !== this.canvas.width) this.lines.width = this.canvas.width;
    if (this.lines.height !== this.canvas.height) this.lines.height = this.canvas.height;
    const { view, shown } = this;
    paint(this.lines, this.viewer.tiles(), view.outlines ? shown.outlined : [], view.hidden, view.isolines && view.overOn ? shown.lined : null);
  }

  private key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, Vec3>> = { ArrowUp: [0, 0, 1], ArrowDown: [0, 0, -1], ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], PageUp: [0, -1, 0], PageDown: [0, 1, 0] };
    const step = steps[event.key];
    if (step && this.shown.anatomy) {
      const grid = this.shown.anatomy.volume;
      const now = this.view.cursor ?? middle(this.shown);
      const by = event.shiftKey ? 5 : 1;
      this.viewer?.moveTo([0, 1, 2].map((i) => (now[i] ?? 0) + (step[i] ?? 0) * pitch(grid, i as 0 | 1 | 2) * by) as unknown as Vec3);
    } else if (!this.controls.key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private save(): Promise<void> | undefined {
    if (!this.viewer) return undefined;
    this.viewer.redraw();
    return savePlanes(this.canvas, this.lines, this.twin, this.shown.scene, this.view, this.shown.lined);
  }
}

async function layer(image: ImageInfo | null, view: View, over: boolean): Promise<Layer | null> {
  if (!image) return null;
  const held = await volume(image.key, image.url);
  const full = image.window ?? usualWindow(held);
  const window: readonly [number, number] = over ? [full[0] > 0 ? full[0] : 0.1 * full[1], full[1]] : (view.window ?? (image.role === "structures" ? [0, 4 * full[1]] : full));
  return { key: image.key, volume: held, window, colours: over ? (image.role === "dose" ? "plasma" : "viridis") : "gray", opacity: over ? view.opacity : 1 };
}

async function outlinedOf(image: ImageInfo): Promise<Outlined> {
  return { key: image.key, volume: await volume(image.key, image.url), labels: (image.labels ?? []) as readonly Label[] };
}

/** Where to look first: the middle of what is high in the overlay, else of the anatomy. */
function middle(shown: Shown): Vec3 {
  const v = shown.overlay?.volume ?? shown.anatomy?.volume;
  if (!v) return [0, 0, 0];
  const above = shown.overlay ? 0.8 * shown.overlay.window[1] : shown.scene.anatomy?.role === "structures" ? 0 : Number.NEGATIVE_INFINITY;
  return flipped(through(v.affine, heart(v, above)));
}

function webgl(error: unknown): unknown {
  return String(error).toLowerCase().includes("webgl") ? new Error("This browser gives no WebGL 2; allow hardware or software rendering in its settings, or use another browser") : error;
}

