/** A series as it was received, before any twin takes it: looked at in the same viewer. */

import { get } from "../api/client.ts";
import type { ImageInfo } from "../api/types.ts";
import { h } from "../core/dom.ts";
import { href, type Place } from "../core/router.ts";
import { empty } from "../ui/state.ts";
import { bench } from "./images.ts";
import type { Context, Page } from "./table.ts";

/** Modalities that the server gives as a volume. */
export const SHOWN = new Set(["CT", "MR", "PT", "RTDOSE"]);
const UNITS: Readonly<Record<string, string>> = { CT: "HU", RTDOSE: "Gy" };

interface Received {
  readonly series: string;
  readonly study?: string;
  readonly modality: string;
  readonly description?: string;
  readonly at: string;
}

export async function series(place: Place, context: Context): Promise<Page> {
  const [, study = "", uid = ""] = place.path;
  const { received } = await get<{ received: readonly Received[] }>("/api/queue", context.signal);
  const row = received.find((r) => r.series === uid);
  const back = h("p", {}, h("a", { href: href(["queue"]) }, "Queue"));
  const title = row ? `${row.modality} ${row.description ?? ""}`.trim() : "Series";
  const head = h("div", { class: "title" }, h("h1", {}, title), h("span", { class: "muted mono" }, uid));
  if (row && !SHOWN.has(row.modality)) return [title, h("div", { class: "page", "data-testid": "page-series" }, head, back, empty(`A series of modality ${row.modality} has no picture here`, "CT, MR, PET and dose can be looked at."))];
  const image: ImageInfo = {
    key: uid,
    name: title,
    role: "scan",
    at: row?.at ?? null,
    unit: UNITS[row?.modality ?? ""] ?? "",
    window: row?.modality === "CT" ? [-160, 240] : null,
    shape: [],
    spacing_mm: [],
    url: `/dicom-web/studies/${encodeURIComponent(study)}/series/${encodeURIComponent(uid)}/volume.nii`,
  };
  const viewer = bench({ id: uid, title, version: 0, at: row?.at ?? "" }, [image], place, context);
  return [title, h("div", { class: "page", "data-testid": "page-series" }, head, back, viewer)];
}
