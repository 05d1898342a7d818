/** The slider over time and the panel of layers; all of it works from the keyboard. */

import type { ImageInfo, Label } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";
import { when } from "../core/format.ts";
import { chip } from "../ui/badge.ts";
import { anatomies, type Moment, type Scene } from "../viewer/scene.ts";
import type { Drag, Layout } from "../viewer/viewer.ts";
import type { View } from "./images_view.ts";

export interface Controls {
  readonly time: HTMLElement;
  readonly layers: HTMLElement;
  readonly set: (view: View) => void;
  readonly structures: (labels: readonly Label[], hidden: ReadonlySet<string>) => void;
  readonly shown: (scene: Scene, view: View) => void;
  readonly key: (key: string) => boolean;
}

const LAYOUTS: readonly (readonly [Layout, string])[] = [["all", "planes and 3-D"], ["axial", "axial"], ["coronal", "coronal"], ["sagittal", "sagittal"], ["3d", "3-D"]];
const DRAGS: readonly (readonly [Drag, string])[] = [["window", "window"], ["pan", "pan and zoom"], ["measure", "measure"]];
const WINDOWS: readonly (readonly [string, readonly [number, number]])[] = [["soft tissue", [-160, 240]], ["bone", [-200, 1300]], ["lung", [-1350, 150]], ["brain", [0, 80]]];

export function controls(all: readonly ImageInfo[], first: View, times: readonly Moment[], offered: readonly string[], change: (change: Partial<View>) => void, save: () => void): Controls {
  let view = first;
  const slider = h("input", { type: "range", id: "time", min: 0, max: Math.max(times.length - 1, 0), step: 1, value: Math.max(0, times.findIndex((m) => m.at === first.at)), "data-testid": "time" });
  const said = h("output", { for: "time", class: "moment", "data-testid": "moment" });
  const go = (i: number): void => {
    const moment = times[Math.min(Math.max(i, 0), times.length - 1)];
    if (moment && moment.at !== view.at) change({ at: moment.at, anatomy: "" });
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  const step = (by: number): void => go(times.findIndex((m) => m.at === view.at) + by);
  const layout = h("select", { id: "layout", "data-testid": "layout" }, LAYOUTS.map(([value, name]) => h("option", { value, selected: value === view.layout }, name)));
  layout.addEventListener("change", () => change({ layout: layout.value as Layout }));
  const time = h(
    "div",
    { class: "bar time" },
    h("label", { for: "time" }, "Time"),
    h("button", { type: "button", class: "small", "aria-label": "Earlier", title: "earlier  [", onclick: () => step(-1) }, "◀"),
    slider,
    h("button", { type: "button", class: "small", "aria-label": "Later", title: "later  ]", onclick: () => step(1) }, "▶"),
    said,
    h("span", { class: "spring" }),
    h("label", { for: "layout" }, "Show"),
    layout,
    h("button", { type: "button", class: "small", "data-testid": "save-view", title: "Picture of this view", onclick: save }, "PNG"),
  );
  const scans = anatomies(all);
  const scan = h("select", { id: "scan", "data-testid": "scan" }, h("option", { value: "" }, "as the time says"), scans.map((i) => h("option", { value: i.key, selected: i.key === view.anatomy }, `${i.name}${i.at ? `, ${when(i.at)}` : ""}`)));
  scan.addEventListener("change", () => change({ anatomy: scan.value, window: null }));
  const over = h("select", { id: "over", "data-testid": "over" }, h("option", { value: "none" }, "none"), offered.map((n) => h("option", { value: n, selected: n === view.over && view.overOn }, n)));
  over.addEventListener("change", () => (over.value === "none" ? change({ overOn: false }) : change({ over: over.value, overOn: true })));
  const opacity = h("input", { type: "range", id: "opacity", min: 0, max: 1, step: 0.05, value: view.opacity, "data-testid": "opacity" });
  opacity.addEventListener("input", () => change({ opacity: Number(opacity.value) }));
  const check = (id: string, words: string, is: boolean, set: (on: boolean) => void): [HTMLElement, HTMLInputElement] => {
    const box = h("input", { type: "checkbox", id, checked: is, "data-testid": id });
    box.addEventListener("change", () => set(box.checked));
    return [h("label", { class: "check", for: id }, box, words), box];
  };
  const [isolines, isolinesBox] = check("isolines", "Isolines", view.isolines, (isolines) => change({ isolines }));
  const [outlines, outlinesBox] = check("outlines", "Outlines", view.outlines, (outlines) => change({ outlines }));
  const [cut] = check("cut", "Cut 3-D", view.cut, (cut) => change({ cut }));
  const windows = h("select", { id: "window", "data-testid": "window" }, h("option", { value: "" }, "as stored"), WINDOWS.map(([n], i) => h("option", { value: i }, n)));
  windows.addEventListener("change", () => change({ window: windows.value === "" ? null : (WINDOWS[Number(windows.value)]?.[1] ?? null) }));
  const drag = h("select", { id: "drag", title: "what dragging with the right button does" }, DRAGS.map(([value, n]) => h("option", { value }, n)));
  drag.addEventListener("change", () => change({ drag: drag.value as Drag }));
  const list = h("ul", { class: "structures", "data-testid": "structures" });
  const now = h("p", { class: "note", "data-testid": "shown-images" });
  const layers = h(
    "div",
    { class: "layers" },
    h("h2", {}, "Layers"),
    now,
    field("scan", "Anatomy", scan),
    field("window", "Window", windows),
    field("over", "Overlay", over),
    field("opacity", "Opacity", opacity),
    h("div", { class: "checks" }, isolines, outlines, cut),
    list,
    field("drag", "Drag", drag),
  );
  const set = (next: View): void => {
    view = next;
    const i = Math.max(0, times.findIndex((m) => m.at === view.at));
    slider.value = String(i);
    const moment = times[i];
    slider.setAttribute("aria-valuetext", moment ? `${moment.kind} ${when(moment.at)}` : "");
    replace(said, moment ? [when(moment.at), " ", chip(moment.kind, moment.kind === "forecast" ? "warn" : "plain"), h("span", { class: "muted" }, ` ${i + 1} of ${times.length}`)] : "");
    opacity.value = String(view.opacity);
    isolinesBox.checked = view.isolines;
    outlinesBox.checked = view.outlines;
    over.value = view.overOn ? view.over : "none";
    scan.value = view.anatomy;
    layout.value = view.layout;
    opacity.disabled = !view.overOn;
    isolinesBox.disabled = !view.overOn;
  };
  set(view);
  const structures = (labels: readonly Label[], hidden: ReadonlySet<string>): void => {
    const toggle = (name: string, on: boolean): void => {
      const next = new Set(view.hidden);
      if (on) next.delete(name);
      else next.add(name);
      change({ hidden: next });
    };
    replace(list, labels.map((label) => {
      const box = h("input", { type: "checkbox", checked: !hidden.has(label.name) });
      box.addEventListener("change", () => toggle(label.name, box.checked));
      return h("li", {}, h("label", { class: "check" }, box, h("span", { class: "swatch", style: { background: label.colour } }), label.name.replaceAll("_", " ")));
    }));
  };
  const keys: Readonly<Record<string, () => void>> = {
    "[": () => step(-1),
    "]": () => step(1),
    o: () => change({ overOn: !view.overOn && view.over !== "" }),
    c: () => change({ outlines: !view.outlines }),
    i: () => change({ isolines: !view.isolines }),
    "+": () => change({ opacity: Math.min(1, view.opacity + 0.1) }),
    "=": () => change({ opacity: Math.min(1, view.opacity + 0.1) }),
    "-": () => change({ opacity: Math.max(0, view.opacity - 0.1) }),
  };
  const shown = (scene: Scene): void => replace(now, sentence(scene));
  const key = (name: string): boolean => {
    keys[name]?.();
    return name in keys;
  };
  return { time, layers, set, structures, shown, key };
}

function sentence(scene: Scene): string {
  const parts = [scene.anatomy, scene.overlay].flatMap((i) => (i ? [`${i.name}${i.at ? ` of ${when(i.at)}` : ""}${i.unit ? ` (${i.unit})` : ""}`] : []));
  return parts.join("; over it ");
}

function field(id: string, title: string, control: HTMLElement): HTMLElement {
  return h("div", { class: "field" }, h("label", { for: id }, title), control);
}
