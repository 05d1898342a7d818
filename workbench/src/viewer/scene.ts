/** Which images belong to a moment: the newest anatomy up to it, the structures and the overlay that go with it. */

import type { ImageInfo } from "../api/types.ts";

export interface Moment {
  readonly at: string;
  readonly kind: "scan" | "forecast";
  readonly names: readonly string[];
}

export interface Scene {
  readonly anatomy: ImageInfo | null;
  readonly structures: readonly ImageInfo[];
  readonly overlay: ImageInfo | null;
}

const time = (image: ImageInfo): number => (image.at ? Date.parse(image.at) : Number.NEGATIVE_INFINITY);

/** What stands in for the anatomy: scans; where the record keeps none, the regions that were drawn on them, or what was measured in them. */
export function anatomies(images: readonly ImageInfo[]): ImageInfo[] {
  for (const role of ["scan", "structures", "map"]) {
    const found = images.filter((i) => i.role === role);
    if (found.length) return found;
  }
  return [];
}

/** Every time at which something was seen or is foretold, ascending. */
export function moments(images: readonly ImageInfo[], now: string): Moment[] {
  const bases = new Set(anatomies(images));
  const at = [...new Set(images.filter((i) => (i.role !== "structures" || bases.has(i)) && i.at).map((i) => i.at ?? ""))].sort((a, b) => Date.parse(a) - Date.parse(b));
  return at.map((moment) => {
    const here = images.filter((i) => i.at === moment);
    const seen = here.some((i) => bases.has(i));
    return { at: moment, kind: !seen && (here.some((i) => i.role === "forecast") || moment > now) ? "forecast" : "scan", names: here.map((i) => i.name) };
  });
}

/** What an image is a picture of at many times: the dose of whichever plan was recommended that day is one series. */
export function family(name: string): string {
  return name.replace(/ of \S.* \(recommended\)$/, " of the recommended plan").replace(/^(.* given so far), .*$/, "$1");
}

/** Names under which overlays are offered; one name may have an image at many times. */
export function overlays(images: readonly ImageInfo[]): string[] {
  const over = images.filter((i) => i.role === "dose" || i.role === "forecast" || i.role === "map");
  return [...new Set([...over].sort((a, b) => rank(a) - rank(b)).map((i) => family(i.name)))];
}

/** The overlay that is shown unless another is asked for: a dose or a forecast, not just any map. */
export function usual(images: readonly ImageInfo[]): string {
  const first = images.filter((i) => i.role === "dose" || i.role === "forecast").sort((a, b) => rank(a) - rank(b))[0];
  return first ? family(first.name) : "";
}

/** What is recommended first, then doses, forecasts, maps. */
function rank(image: ImageInfo): number {
  return /recommended/.test(image.name) ? 0 : image.role === "dose" ? 1 : image.role === "forecast" ? 2 : 3;
}

export function scene(images: readonly ImageInfo[], at: string, over: string, anatomyKey: string): Scene {
  const scans = anatomies(images);
  const anatomy = scans.find((i) => i.key === anatomyKey) ?? nearest(scans, at);
  const drawn = images.filter((i) => i.role === "structures");
  const same = drawn.filter((i) => anatomy && i.at === anatomy.at);
  const best = nearest(drawn, anatomy?.at ?? at);
  const structures = same.length ? same : drawn.filter((i) => best && i.at === best.at);
  return { anatomy, structures, overlay: nearest(images.filter((i) => family(i.name) === over && i.role !== "scan" && i.role !== "structures" && i !== anatomy && !(time(i) > Date.parse(at))), at) };
}

/** The newest image up to a time; the earliest when all are later; the first with the name of the newest, when several share its time. */
function nearest(images: readonly ImageInfo[], at: string): ImageInfo | null {
  const until = Date.parse(at);
  const before = images.filter((i) => !(time(i) > until));
  const pick = before.length ? Math.max(...before.map(time)) : Math.min(...images.map(time));
  return images.find((i) => time(i) === pick) ?? null;
}
