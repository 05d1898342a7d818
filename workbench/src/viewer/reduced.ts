/** A volume with every second voxel along its finest axes, for drawing where no graphics card helps; values are read from the whole one. */

import { decoded, type Volume } from "./volume.ts";

const HEADER = 352;

/** NIfTI bytes of at most `most` voxels; those of the volume itself when it is no larger. */
export function reduced(v: Volume, most: number): ArrayBuffer {
  const stride: [number, number, number] = [1, 1, 1];
  const size = (): number[] => v.size.map((n, i) => Math.ceil(n / (stride[i] ?? 1)));
  while (size().reduce((a, b) => a * b, 1) > most) {
    const pitch = stride.map((s, i) => s * Math.hypot(...v.affine.map((row) => row[i] ?? 0)));
    stride[pitch.lastIndexOf(Math.min(...pitch)) as 0 | 1 | 2] *= 2;
  }
  return Math.max(...stride) === 1 ? v.bytes : written(v, stride, size() as [number, number, number]);
}

/** Eight voxels, dark and bright. */
export function speck(): Volume {
  const bytes = new ArrayBuffer(HEADER + 8);
  const view = new DataView(bytes);
  view.setInt32(0, 348, true);
  [3, 2, 2, 2, 1, 1, 1, 1].forEach((n, i) => view.setInt16(40 + 2 * i, n, true));
  view.setInt16(70, 2, true); // unsigned bytes
  view.setInt16(72, 8, true);
  [1, 1, 1, 1].forEach((mm, i) => view.setFloat32(76 + 4 * i, mm, true));
  view.setFloat32(108, HEADER, true);
  view.setFloat32(112, 1, true);
  view.setInt16(254, 1, true);
  [280, 300, 320].forEach((at) => view.setFloat32(at, 1, true));
  new Uint8Array(bytes).set([0x6e, 0x2b, 0x31, 0], 344);
  new Uint8Array(bytes, HEADER).fill(1, 4);
  return decoded(bytes);
}

function written(v: Volume, stride: readonly [number, number, number], [nx, ny, nz]: readonly [number, number, number]): ArrayBuffer {
  const width = v.samples.BYTES_PER_ELEMENT;
  const bytes = new ArrayBuffer(HEADER + nx * ny * nz * width);
  new Uint8Array(bytes).set(new Uint8Array(v.bytes, 0, HEADER));
  const view = new DataView(bytes);
  [nx, ny, nz].forEach((n, i) => {
    view.setInt16(42 + 2 * i, n, true);
    view.setFloat32(80 + 4 * i, view.getFloat32(80 + 4 * i, true) * (stride[i] ?? 1), true);
    for (const row of [280, 296, 312]) view.setFloat32(row + 4 * i, view.getFloat32(row + 4 * i, true) * (stride[i] ?? 1), true);
  });
  view.setFloat32(108, HEADER, true);
  view.setInt16(252, 0, true); // the sform alone says where it lies
  const made = new (v.samples.constructor as Float32ArrayConstructor)(bytes, HEADER, nx * ny * nz);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      const row = v.size[0] * (j * stride[1] + v.size[1] * k * stride[2]);
      for (let i = 0; i < nx; i++, at++) made[at] = v.samples[row + i * stride[0]] ?? 0;
    }
  }
  return bytes;
}
