/** Values of a volume on a plane through the patient, on a grid of its own spacing. */

import { AXES, box, inverse, step, type Plane } from "./geometry.ts";
import type { Volume } from "./volume.ts";

export interface Section {
  readonly nx: number;
  readonly ny: number;
  /** RAS mm of the first sample across and up, and the steps. */
  readonly origin: readonly [number, number];
  readonly pitch: readonly [number, number];
  readonly values: Float32Array;
}

/** `nearest` for labels, otherwise trilinear; NaN outside. Null when the plane misses the volume by more than half a voxel. */
export function section(v: Volume, plane: Plane, depth: number, nearest: boolean): Section | null {
  const [h, u, d] = AXES[plane];
  const [low, high] = box(v);
  const slack = step(v, d) / 2;
  if (depth < low[d] - slack || depth > high[d] + slack) return null;
  const pitch = [step(v, h), step(v, u)] as const;
  const nx = Math.round((high[h] - low[h]) / pitch[0]) + 1;
  const ny = Math.round((high[u] - low[u]) / pitch[1]) + 1;
  const inv = inverse(v.affine);
  const inside = Math.min(Math.max(depth, low[d]), high[d]);
  const values = new Float32Array(nx * ny);
  const sample = nearest ? nearestOf(v) : linearOf(v);
  const column = (axis: number): readonly number[] => inv.map((row) => row[axis] ?? 0);
  const [across, up, into, shift] = [column(h), column(u), column(d), column(3)];
  for (let b = 0; b < ny; b++) {
    for (let a = 0; a < nx; a++) {
      const [p, q] = [low[h] + a * pitch[0], low[u] + b * pitch[1]];
      const index = (i: number): number => (across[i] ?? 0) * p + (up[i] ?? 0) * q + (into[i] ?? 0) * inside + (shift[i] ?? 0);
      values[a + nx * b] = sample(index(0), index(1), index(2));
    }
  }
  return { nx, ny, origin: [low[h], low[u]], pitch, values };
}

type Sample = (x: number, y: number, z: number) => number;

function nearestOf(v: Volume): Sample {
  const [nx, ny, nz] = v.size;
  return (x, y, z) => {
    const [i, j, k] = [Math.round(x), Math.round(y), Math.round(z)];
    return i < 0 || j < 0 || k < 0 || i >= nx || j >= ny || k >= nz ? Number.NaN : (v.samples[i + nx * (j + ny * k)] ?? 0) * v.slope + v.offset;
  };
}

function linearOf(v: Volume): Sample {
  const [nx, ny, nz] = v.size;
  const clamp = (x: number, n: number): number => (x < 0 ? 0 : x > n - 1 ? n - 1 : x);
  return (x, y, z) => {
    if (x < -0.5 || y < -0.5 || z < -0.5 || x > nx - 0.5 || y > ny - 0.5 || z > nz - 0.5) return Number.NaN;
    const [cx, cy, cz] = [clamp(x, nx), clamp(y, ny), clamp(z, nz)];
    const [i, j, k] = [Math.min(Math.floor(cx), Math.max(nx - 2, 0)), Math.min(Math.floor(cy), Math.max(ny - 2, 0)), Math.min(Math.floor(cz), Math.max(nz - 2, 0))];
    const [fx, fy, fz] = [cx - i, cy - j, cz - k];
    const [sx, sy, sz] = [nx > 1 ? 1 : 0, ny > 1 ? nx : 0, nz > 1 ? nx * ny : 0];
    const o = i + nx * (j + ny * k);
    const g = (n: number): number => v.samples[n] ?? 0;
    const edge = (n: number): number => g(n) * (1 - fx) + g(n + sx) * fx;
    const face = (n: number): number => edge(n) * (1 - fy) + edge(n + sy) * fy;
    return (face(o) * (1 - fz) + face(o + sz) * fz) * v.slope + v.offset;
  };
}
