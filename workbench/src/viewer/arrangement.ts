/** Where the three planes and the 3-D picture stand, so that the planes are large for this patient on this screen. */

import type { Vec3 } from "./volume.ts";

/** Left, top, width and height as shares of the picture. */
export type Box = [number, number, number, number];

export interface Arrangement {
  readonly axial: Box;
  readonly coronal: Box;
  readonly sagittal: Box;
  readonly render: Box;
}

const [RIGHT, HALF, GAP] = [0.504, 0.496, 0.008];
/** The axial plane may be this much smaller when the other two then stand beside it at its own scale. */
const WORTH = 0.8;
const BESIDE: Arrangement = { axial: [0, 0, 0.5, 1], coronal: [RIGHT, 0, 0.246, 0.5], sagittal: [0.754, 0, 0.246, 0.5], render: [RIGHT, 0.508, HALF, 0.492] };

/** A whole body: coronal and sagittal stand as high as the picture. */
const TALL = 1.4;
const UPRIGHT: Arrangement = { coronal: [0, 0, 0.28, 1], sagittal: [0.284, 0, 0.2, 1], axial: [RIGHT, 0, HALF, 0.56], render: [RIGHT, 0.568, HALF, 0.432] };

/** Coronal under axial and sagittal beside it, all at one scale, where there is room; otherwise axial as large as can be. `aspect`: width to height. */
export function arranged([x, y, z]: Vec3, aspect: number): Arrangement {
  if (z > TALL * Math.max(x, y)) return UPRIGHT;
  const alone = Math.min((0.5 * aspect) / x, 1 / y);
  const together = Math.min((0.5 * aspect) / x, (1 - GAP) / (y + z));
  if (!(together >= WORTH * alone)) return BESIDE;
  const upper = ((1 - GAP) * y) / (y + z);
  const lower = 1 - GAP - upper;
  return { axial: [0, 0, 0.5, upper], coronal: [0, upper + GAP, 0.5, lower], sagittal: [RIGHT, upper + GAP, HALF, lower], render: [RIGHT, 0, HALF, upper] };
}
