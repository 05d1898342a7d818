/** Between voxels and mm, and between RAS (NIfTI) and LPS (DICOM). */

import type { Vec3, Volume } from "./volume.ts";

export type Plane = "axial" | "coronal" | "sagittal";
/** For each plane: which of x, y, z runs across, up, and into the screen. */
export const AXES: Readonly<Record<Plane, readonly [0 | 1 | 2, 0 | 1 | 2, 0 | 1 | 2]>> = {
  axial: [0, 1, 2],
  coronal: [0, 2, 1],
  sagittal: [1, 2, 0],
};

export function flipped([x, y, z]: Vec3): Vec3 {
  return [-x || 0, -y || 0, z];
}

/** The inverse of an affine: RAS mm to voxel indices. */
export function inverse(a: Volume["affine"]): Volume["affine"] {
  const m = (r: number, c: number): number => a[r]?.[c] ?? 0;
  const minor = (r: number, c: number): number => {
    const [r1, r2, c1, c2] = [(r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3];
    return m(r1, c1) * m(r2, c2) - m(r1, c2) * m(r2, c1);
  };
  const det = m(0, 0) * minor(0, 0) + m(0, 1) * minor(0, 1) + m(0, 2) * minor(0, 2);
  return [0, 1, 2].map((r) => {
    const row = [minor(0, r) / det, minor(1, r) / det, minor(2, r) / det] as const;
    return [...row, -(row[0] * m(0, 3) + row[1] * m(1, 3) + row[2] * m(2, 3))] as [number, number, number, number];
  });
}

export function through(a: Volume["affine"], [x, y, z]: Vec3): Vec3 {
  const one = (r: number): number => {
    const row = a[r] ?? [0, 0, 0, 0];
    return row[0] * x + row[1] * y + row[2] * z + row[3];
  };
  return [one(0), one(1), one(2)];
}

/** The box of voxel centres, RAS mm. */
export function box(v: Volume): readonly [Vec3, Vec3] {
  const ends = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => through(v.affine, [k & 1 ? v.size[0] - 1 : 0, k & 2 ? v.size[1] - 1 : 0, k & 4 ? v.size[2] - 1 : 0]));
  const side = (pick: (...n: number[]) => number): Vec3 => [0, 1, 2].map((i) => pick(...ends.map((e) => e[i] ?? 0))) as unknown as Vec3;
  return [side(Math.min), side(Math.max)];
}

/** The length of a voxel along a patient's axis, mm. */
export function step(v: Volume, axis: 0 | 1 | 2): number {
  const row = v.affine[axis] ?? [1, 0, 0, 0];
  const size = Math.max(Math.abs(row[0]), Math.abs(row[1]), Math.abs(row[2]));
  return size > 0 ? size : 1;
}

/** The mean index of voxels above a value; the middle of the grid when there is none. */
export function centroid(v: Volume, above: number): Vec3 {
  const [nx, ny, nz] = v.size;
  let [n, x, y, z] = [0, 0, 0, 0];
  if (Number.isFinite(above)) {
    for (let k = 0, at = 0; k < nz; k++) {
      for (let j = 0; j < ny; j++) {
        for (let i = 0; i < nx; i++, at++) {
          if ((v.samples[at] ?? 0) * v.slope + v.offset <= above) continue;
          n += 1;
          x += i;
          y += j;
          z += k;
        }
      }
    }
  }
  return n ? [x / n, y / n, z / n] : [(nx - 1) / 2, (ny - 1) / 2, (nz - 1) / 2];
}

/** Where to look for what is above a value: its middle, or where that lies between its parts, the part that is nearest to it. */
export function heart(v: Volume, above: number): Vec3 {
  const [x, y, z] = centroid(v, above);
  const [nx, ny, nz] = v.size;
  const high = (i: number): boolean => (v.samples[i] ?? 0) * v.slope + v.offset > above;
  if (!Number.isFinite(above) || high(Math.round(x) + nx * (Math.round(y) + ny * Math.round(z)))) return [x, y, z];
  let [best, found]: [number, Vec3] = [Infinity, [x, y, z]];
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        const far = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2;
        if (far < best && high(at)) [best, found] = [far, [i, j, k]];
      }
    }
  }
  return found;
}

/** The value of the nearest voxel to a position in RAS mm; null outside. */
export function at(v: Volume, ras: Vec3): number | null {
  const [i, j, k] = through(inverse(v.affine), ras).map(Math.round) as unknown as Vec3;
  if (i < 0 || j < 0 || k < 0 || i >= v.size[0] || j >= v.size[1] || k >= v.size[2]) return null;
  return (v.samples[i + v.size[0] * (j + v.size[1] * k)] ?? 0) * v.slope + v.offset;
}
