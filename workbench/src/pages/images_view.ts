/** The state of the image view, as its URL holds it. */

import type { Moment } from "../viewer/scene.ts";
import type { Drag, Layout } from "../viewer/viewer.ts";
import type { Vec3 } from "../viewer/volume.ts";

export interface View {
  readonly at: string;
  readonly anatomy: string;
  readonly over: string;
  readonly overOn: boolean;
  readonly opacity: number;
  readonly isolines: boolean;
  readonly outlines: boolean;
  readonly hidden: ReadonlySet<string>;
  readonly cursor: Vec3 | null;
  readonly layout: Layout;
  readonly drag: Drag;
  readonly cut: boolean;
  readonly window: readonly [number, number] | null;
  query(): Record<string, string | null>;
}

const LAYOUTS: readonly string[] = ["all", "axial", "coronal", "sagittal", "3d"];

export function read(query: URLSearchParams, times: readonly Moment[], usual: string, now: string): View {
  const asked = query.get("t") ?? "";
  const upTo = times.filter((m) => Date.parse(m.at) <= Date.parse(asked || now)).at(-1);
  const over = query.get("over") ?? usual;
  const layout = query.get("layout") ?? "all";
  return {
    at: upTo?.at ?? times[0]?.at ?? now,
    anatomy: query.get("scan") ?? "",
    over: over === "none" ? "" : over,
    overOn: query.get("over") !== "none" && over !== "",
    opacity: clamp(Number(query.get("opacity") ?? "0.5")),
    isolines: query.get("iso") !== "0",
    outlines: query.get("lines") !== "0",
    hidden: new Set((query.get("hide") ?? "").split("|").filter(Boolean)),
    cursor: triple(query.get("at")),
    layout: (LAYOUTS.includes(layout) ? layout : "all") as Layout,
    drag: "window",
    cut: query.get("cut") === "1",
    window: pair(query.get("window")),
    query: written,
  };
}

function written(this: View): Record<string, string | null> {
  return {
    t: this.at,
    scan: this.anatomy || null,
    over: this.overOn ? this.over : "none",
    opacity: this.opacity === 0.5 ? null : String(this.opacity),
    iso: this.isolines ? null : "0",
    lines: this.outlines ? null : "0",
    hide: [...this.hidden].join("|") || null,
    at: this.cursor ? this.cursor.map((mm) => mm.toFixed(1)).join(",") : null,
    layout: this.layout === "all" ? null : this.layout,
    cut: this.cut ? "1" : null,
    window: this.window ? this.window.map((v) => v.toFixed(0)).join(",") : null,
  };
}

function clamp(x: number): number {
  return Number.isFinite(x) ? Math.min(1, Math.max(0, x)) : 0.5;
}

function numbers(text: string | null, n: number): number[] | null {
  const found = (text ?? "").split(",").map(Number);
  return text && found.length === n && found.every(Number.isFinite) ? found : null;
}

function triple(text: string | null): Vec3 | null {
  return numbers(text, 3) as unknown as Vec3 | null;
}

function pair(text: string | null): readonly [number, number] | null {
  const found = numbers(text, 2);
  return found && (found[0] ?? 0) < (found[1] ?? 0) ? [found[0] ?? 0, found[1] ?? 1] : null;
}
