/** Outlines and isolines over NiiVue's picture, on a canvas of their own: sharp at any zoom, each volume by its own affine. */

import type { Label } from "../api/types.ts";
import { isoline, outlines, type Segments } from "./contour.ts";
import { section } from "./section.ts";
import type { Tile } from "./viewer.ts";
import type { Volume } from "./volume.ts";

export interface Outlined {
  readonly key: string;
  readonly volume: Volume;
  readonly labels: readonly Label[];
}

export interface Lined {
  readonly key: string;
  readonly volume: Volume;
  readonly levels: readonly { readonly share: number; readonly value: number; readonly colour: string }[];
}

const cache = new Map<string, ReadonlyMap<number, Segments>>();

export function paint(canvas: HTMLCanvasElement, tiles: readonly Tile[], labelled: readonly Outlined[], hidden: ReadonlySet<string>, lined: Lined | null): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const tile of tiles) {
    pen.save();
    pen.beginPath();
    pen.rect(...tile.box);
    pen.clip();
    for (const structures of labelled) {
      const lines = held(`${structures.key} ${tile.plane} ${tile.depth.toFixed(2)}`, () => labelsOn(structures.volume, tile));
      for (const label of structures.labels) if (!hidden.has(label.name)) stroke(pen, tile, lines.get(label.value) ?? [], label.colour, 1.8);
    }
    for (const level of lined?.levels ?? []) {
      const lines = held(`${lined?.key} ${level.value} ${tile.plane} ${tile.depth.toFixed(2)}`, () => levelOn(lined?.volume, tile, level.value));
      stroke(pen, tile, lines.get(0) ?? [], level.colour, 1.4);
    }
    pen.restore();
  }
}

function labelsOn(volume: Volume, tile: Tile): ReadonlyMap<number, Segments> {
  const cut = section(volume, tile.plane, tile.depth, true);
  return cut ? outlines(cut) : new Map();
}

function levelOn(volume: Volume | undefined, tile: Tile, level: number): ReadonlyMap<number, Segments> {
  const cut = volume ? section(volume, tile.plane, tile.depth, false) : null;
  return new Map([[0, cut ? isoline(cut, level) : []]]);
}

function held(key: string, make: () => ReadonlyMap<number, Segments>): ReadonlyMap<number, Segments> {
  const known = cache.get(key);
  if (known) return known;
  if (cache.size > 400) cache.clear();
  const made = make();
  cache.set(key, made);
  return made;
}

function stroke(pen: CanvasRenderingContext2D, tile: Tile, lines: Segments, colour: string, width: number): void {
  const [left, top, w, height] = tile.box;
  const x = (mm: number): number => left + ((mm - tile.corner[0]) / tile.extent[0]) * w;
  const y = (mm: number): number => top + (1 - (mm - tile.corner[1]) / tile.extent[1]) * height;
  pen.beginPath();
  for (let i = 0; i + 3 < lines.length; i += 4) {
    pen.moveTo(x(lines[i] ?? 0), y(lines[i + 1] ?? 0));
    pen.lineTo(x(lines[i + 2] ?? 0), y(lines[i + 3] ?? 0));
  }
  pen.lineCap = "round";
  pen.strokeStyle = "rgba(0, 0, 0, 0.55)";
  pen.lineWidth = (width + 1.4) * devicePixelRatio;
  pen.stroke();
  pen.strokeStyle = colour;
  pen.lineWidth = width * devicePixelRatio;
  pen.stroke();
}
