/** Handing things out: pictures with what they show, when, and the research notice burned in; data as CSV. */

import { h, type Child } from "../core/dom.ts";
import { token } from "../core/colour.ts";

export interface Caption {
  readonly title: string;
  readonly lines: readonly string[];
  /** What the colours mean. */
  readonly legend?: readonly { readonly name: string; readonly colour: string }[];
}

export const NOTICE = "Research software. Not a medical device; must not be the sole basis of a clinical decision.";

export function save(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function fileName(...parts: readonly string[]): string {
  return parts.join(" ").toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 90) || "gemel";
}

/** Pictures side by side on one sheet, with the caption above and the notice below. */
export async function savePicture(pictures: readonly CanvasImageSource[], sizes: readonly (readonly [number, number])[], caption: Caption, scale: number): Promise<void> {
  const pad = 16 * scale;
  const head = (26 + 17 * (caption.lines.length + (caption.legend?.length ? 1 : 0))) * scale;
  const width = sizes.reduce((sum, [w]) => sum + w, 0) + pad * (sizes.length + 1);
  const sheet = h("canvas", { width: Math.max(width, 560 * scale), height: Math.max(...sizes.map(([, height]) => height)) + head + pad * 2 + 22 * scale });
  const pen = sheet.getContext("2d");
  if (!pen) return;
  pen.fillStyle = token("surface");
  pen.fillRect(0, 0, sheet.width, sheet.height);
  write(pen, caption, pad, scale, sheet.height);
  let x = pad;
  pictures.forEach((picture, i) => {
    const [w, height] = sizes[i] ?? [0, 0];
    pen.drawImage(picture, x, head + pad, w, height);
    x += w + pad;
  });
  const blob = await new Promise<Blob | null>((resolve) => sheet.toBlob(resolve, "image/png"));
  if (blob) save(`${fileName(caption.title)}.png`, blob);
}

function write(pen: CanvasRenderingContext2D, caption: Caption, pad: number, scale: number, height: number): void {
  const family = "system-ui, sans-serif";
  pen.fillStyle = token("ink");
  pen.font = `600 ${15 * scale}px ${family}`;
  pen.fillText(caption.title, pad, 24 * scale);
  pen.font = `${12 * scale}px ${family}`;
  caption.lines.forEach((line, i) => pen.fillText(line, pad, (43 + 17 * i) * scale));
  let x = pad;
  for (const { name, colour } of caption.legend ?? []) {
    const y = (43 + 17 * caption.lines.length) * scale;
    pen.fillStyle = colour;
    pen.fillRect(x, y - 7 * scale, 14 * scale, 5 * scale);
    pen.fillStyle = token("ink");
    pen.fillText(name, x + 18 * scale, y);
    x += (34 + pen.measureText(name).width / scale) * scale;
  }
  pen.fillStyle = token("muted");
  pen.fillText(NOTICE, pad, height - 12 * scale);
}

/** An SVG of the page as an image. Its colours are attributes, so that it needs no style sheet. */
export async function rasterised(drawing: SVGSVGElement, scale: number): Promise<[HTMLImageElement, [number, number]]> {
  const box = drawing.viewBox.baseVal;
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width * scale));
  copy.setAttribute("height", String(box.height * scale));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return [image, [box.width * scale, box.height * scale]];
}

export function csv(columns: readonly string[], rows: readonly (readonly (string | number | null)[])[]): Blob {
  const quote = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    const safe = typeof value === "string" && /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [columns, ...rows].map((row) => row.map(quote).join(","));
  return new Blob([`# ${NOTICE}\r\n`, lines.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" });
}

export function tool(label: string, title: string, press: () => void, id?: string): HTMLElement {
  return h("button", { type: "button", class: "small", title, "data-testid": id ?? null, onclick: press }, label as Child);
}
