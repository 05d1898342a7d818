/** Level lines of a section by marching squares (Lorensen & Cline 1987 in two dimensions), as segments in RAS mm across and up. */

import type { Section } from "./section.ts";

/** x0, y0, x1, y1 of each segment. */
export type Segments = readonly number[];

/** Lines where a field passes a level. Saddles are resolved by the mean of their four corners. */
export function isoline(s: Section, level: number): Segments {
  return march(s, (i) => s.values[i] ?? Number.NaN, level, [0, 0, s.nx - 1, s.ny - 1]);
}

/** The outline of each label on the section, half-way between voxels. */
export function outlines(s: Section): ReadonlyMap<number, Segments> {
  const boxes = new Map<number, [number, number, number, number]>();
  for (let b = 0; b < s.ny; b++) {
    for (let a = 0; a < s.nx; a++) {
      const value = s.values[a + s.nx * b] ?? 0;
      if (!(value > 0)) continue;
      const known = boxes.get(value);
      if (known) boxes.set(value, [Math.min(known[0], a), Math.min(known[1], b), Math.max(known[2], a), Math.max(known[3], b)]);
      else boxes.set(value, [a, b, a, b]);
    }
  }
  const lines = new Map<number, Segments>();
  for (const [value, [a0, b0, a1, b1]] of boxes) {
    lines.set(value, march(s, (i) => (s.values[i] === value ? 1 : 0), 0.5, [a0 - 1, b0 - 1, a1 + 1, b1 + 1]));
  }
  return lines;
}

function march(s: Section, value: (i: number) => number, level: number, [a0, b0, a1, b1]: readonly [number, number, number, number]): number[] {
  const out: number[] = [];
  const f = (a: number, b: number): number => (a < 0 || b < 0 || a >= s.nx || b >= s.ny ? 0 : value(a + s.nx * b));
  for (let b = b0; b < b1; b++) {
    for (let a = a0; a < a1; a++) square([f(a, b), f(a + 1, b), f(a + 1, b + 1), f(a, b + 1)], a, b, level, s, out);
  }
  return out;
}

/** Corners counter-clockwise from the lower left; edges: below, right, above, left. */
function square(f: readonly [number, number, number, number], a: number, b: number, level: number, s: Section, out: number[]): void {
  const code = (f[0] >= level ? 1 : 0) | (f[1] >= level ? 2 : 0) | (f[2] >= level ? 4 : 0) | (f[3] >= level ? 8 : 0);
  if (code === 0 || code === 15 || f.some(Number.isNaN)) return;
  const t = (p: number, q: number): number => (level - p) / (q - p);
  const edge = (e: number): [number, number] => {
    if (e === 0) return [a + t(f[0], f[1]), b];
    if (e === 1) return [a + 1, b + t(f[1], f[2])];
    if (e === 2) return [a + t(f[3], f[2]), b + 1];
    return [a, b + t(f[0], f[3])];
  };
  const middle = (f[0] + f[1] + f[2] + f[3]) / 4 >= level;
  for (const [from, to] of pairs(code, middle)) {
    const [p, q] = [edge(from), edge(to)];
    out.push(s.origin[0] + p[0] * s.pitch[0], s.origin[1] + p[1] * s.pitch[1], s.origin[0] + q[0] * s.pitch[0], s.origin[1] + q[1] * s.pitch[1]);
  }
}

const CASES: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  1: [[3, 0]], 2: [[0, 1]], 3: [[3, 1]], 4: [[1, 2]], 6: [[0, 2]], 7: [[3, 2]], 8: [[2, 3]], 9: [[0, 2]], 11: [[1, 2]], 12: [[3, 1]], 13: [[0, 1]], 14: [[3, 0]],
};

function pairs(code: number, middle: boolean): readonly (readonly [number, number])[] {
  if (code === 5) return middle ? [[3, 2], [0, 1]] : [[3, 0], [1, 2]];
  if (code === 10) return middle ? [[3, 0], [1, 2]] : [[0, 1], [2, 3]];
  return CASES[code] ?? [];
}
