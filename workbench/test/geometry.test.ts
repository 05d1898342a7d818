import assert from "node:assert/strict";
import { test } from "node:test";
import { isoline, outlines } from "../src/viewer/contour.ts";
import { arranged } from "../src/viewer/arrangement.ts";
import { at, box, centroid, flipped, heart, inverse, step, through } from "../src/viewer/geometry.ts";
import { reduced } from "../src/viewer/reduced.ts";
import { section } from "../src/viewer/section.ts";
import { decoded, type Volume } from "../src/viewer/volume.ts";

/** A grid of 12 × 10 × 8 voxels of 3 × 2 × 4 mm, LPS-like (x and y run against RAS), at an offset that no grid shares. */
function grid(value: (x: number, y: number, z: number) => number): Volume {
  const size = [12, 10, 8] as const;
  const affine = [[-3, 0, 0, 17.34], [0, -2, 0, 9.47], [0, 0, 4, -11.25]] as const;
  const samples = new Float32Array(12 * 10 * 8);
  for (let k = 0, i = 0; k < 8; k++) for (let j = 0; j < 10; j++) for (let n = 0; n < 12; n++, i++) samples[i] = value(...through(affine, [n, j, k]));
  return { bytes: new ArrayBuffer(0), size, affine, samples, slope: 1, offset: 0 };
}

const ramp = grid((x, y, z) => 2 * x - 3 * y + 0.5 * z);

test("an affine and its inverse undo each other, and LPS is RAS turned about z", () => {
  const there = through(ramp.affine, [4, 7, 2]);
  through(inverse(ramp.affine), there).forEach((v, i) => assert.ok(Math.abs(v - [4, 7, 2][i]!) < 1e-9));
  assert.deepEqual(flipped([1, 2, 3]), [-1, -2, 3]);
  assert.deepEqual(flipped(flipped([1, 2, 3])), [1, 2, 3]);
});

test("the value under the cursor is that of the nearest voxel, and none outside", () => {
  const here = through(ramp.affine, [4, 7, 2]);
  assert.ok(Math.abs(at(ramp, here)! - (2 * here[0] - 3 * here[1] + 0.5 * here[2])) < 1e-4);
  assert.equal(at(ramp, [here[0] + 1.4, here[1], here[2]]), at(ramp, here));
  assert.notEqual(at(ramp, [here[0] + 1.6, here[1], here[2]]), at(ramp, here));
  assert.equal(at(ramp, [1000, 0, 0]), null);
});

test("a section of a linear field is exact on every plane, also between slices of a grid that is turned", () => {
  for (const [plane, depth, axes] of [["axial", 3.1, [0, 1, 2]], ["coronal", 1.3, [0, 2, 1]], ["sagittal", 2.2, [1, 2, 0]]] as const) {
    const cut = section(ramp, plane, depth, false)!;
    for (const [a, b] of [[1, 1], [3, 5], [cut.nx - 2, cut.ny - 2]] as const) {
      const mm = [0, 0, 0];
      mm[axes[0]] = cut.origin[0] + a * cut.pitch[0];
      mm[axes[1]] = cut.origin[1] + b * cut.pitch[1];
      mm[axes[2]] = depth;
      assert.ok(Math.abs(cut.values[a + cut.nx * b]! - (2 * mm[0]! - 3 * mm[1]! + 0.5 * mm[2]!)) < 1e-3, plane);
    }
  }
  assert.equal(section(ramp, "axial", 500, false), null);
});

test("an isoline of a linear field lies on it, whatever fraction of a voxel the grid is off", () => {
  const cut = section(ramp, "axial", 0.7, false)!;
  const lines = isoline(cut, 4);
  assert.ok(lines.length >= 20);
  for (let i = 0; i < lines.length; i += 2) assert.ok(Math.abs(2 * lines[i]! - 3 * lines[i + 1]! + 0.35 - 4) < 1e-3);
});

test("the isoline of a ball is a circle: its length is 2 π r within 1 %", () => {
  const size = [48, 48, 48] as const;
  const samples = new Float32Array(48 ** 3);
  for (let k = 0, i = 0; k < 48; k++) for (let j = 0; j < 48; j++) for (let n = 0; n < 48; n++, i++) samples[i] = Math.hypot(n - 23.5, j - 23.5, k - 23.5);
  const ball: Volume = { bytes: new ArrayBuffer(0), size, affine: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], samples, slope: 1, offset: 0 };
  const lines = isoline(section(ball, "axial", 23.5, false)!, 15);
  let length = 0;
  for (let i = 0; i < lines.length; i += 4) length += Math.hypot(lines[i + 2]! - lines[i]!, lines[i + 3]! - lines[i + 1]!);
  assert.ok(Math.abs(length / (2 * Math.PI * 15) - 1) < 0.01);
});

test("outlines go half-way round each label and no further", () => {
  const labels = grid((x, y) => (Math.abs(x) <= 6.6 && Math.abs(y) <= 4 ? 2 : Math.abs(x - 12) < 3 ? 5 : 0));
  const found = outlines(section(labels, "axial", 0, true)!);
  assert.deepEqual([...found.keys()].sort(), [2, 5]);
  const xs = found.get(2)!.filter((_, i) => i % 2 === 0);
  const inside = [...Array(12).keys()].map((n) => 17.34 - 3 * n).filter((x) => Math.abs(x) <= 6.6);
  assert.ok(Math.abs(Math.max(...xs) - (Math.max(...inside) + 1.5)) < 1e-6);
  assert.ok(Math.abs(Math.min(...xs) - (Math.min(...inside) - 1.5)) < 1e-6);
});

test("box, step and centroid are in mm and indices as named", () => {
  const [low, high] = box(ramp);
  assert.ok(Math.abs(high[0] - 17.34) < 1e-9 && Math.abs(low[0] - (17.34 - 33)) < 1e-9);
  assert.deepEqual([step(ramp, 0), step(ramp, 1), step(ramp, 2)], [3, 2, 4]);
  const one = grid(() => 0);
  one.samples[5 + 12 * (3 + 10 * 2)] = 9;
  assert.deepEqual(centroid(one, 8), [5, 3, 2]);
  assert.deepEqual(centroid(one, Number.NEGATIVE_INFINITY), [5.5, 4.5, 3.5]);
});

test("what is not a little-endian NIfTI-1 with an sform is refused in words", () => {
  assert.throws(() => decoded(new ArrayBuffer(400)), /cannot be read/);
});

/** A NIfTI-1 file of int16 with an sform. */
function nifti(size: readonly [number, number, number], spacing: readonly [number, number, number]): ArrayBuffer {
  const bytes = new ArrayBuffer(352 + 2 * size[0] * size[1] * size[2]);
  const view = new DataView(bytes);
  view.setInt32(0, 348, true);
  [3, ...size, 1, 1, 1, 1].forEach((n, i) => view.setInt16(40 + 2 * i, n, true));
  view.setInt16(70, 4, true);
  [1, ...spacing].forEach((n, i) => view.setFloat32(76 + 4 * i, n, true));
  view.setFloat32(108, 352, true);
  view.setInt16(254, 1, true);
  [-spacing[0], -spacing[1], spacing[2]].forEach((n, i) => view.setFloat32(280 + 20 * i, n, true));
  [10, 20, 30].forEach((n, i) => view.setFloat32(292 + 16 * i, n, true));
  const samples = new Int16Array(bytes, 352);
  for (let k = 0, at = 0; k < size[2]; k++) for (let j = 0; j < size[1]; j++) for (let i = 0; i < size[0]; i++, at++) samples[at] = i + 100 * j + 1000 * k;
  return bytes;
}

test("a reduced volume lies where the whole one lies", () => {
  const whole = decoded(nifti([16, 12, 5], [1, 1.5, 3]));
  const less = decoded(reduced(whole, 300));
  assert.deepEqual(less.size, [8, 6, 5]);
  for (const index of [[0, 0, 0], [3, 2, 1], [7, 5, 4]] as const) {
    const here = through(less.affine, index);
    assert.equal(at(less, here), at(whole, here));
  }
  assert.equal(reduced(whole, 1e6), whole.bytes);
});

test("the cursor begins in what is high, also where its middle lies between two parts", () => {
  const two = grid(() => 0);
  const place = (i: number, j: number, k: number): number => i + 12 * (j + 10 * k);
  for (const i of [1, 9, 10]) two.samples[place(i, 4, 3)] = 9;
  assert.deepEqual(heart(two, 8), [9, 4, 3]);
  two.samples[place(7, 4, 3)] = 9;
  assert.deepEqual(heart(two, 8), [6.75, 4, 3]);
});

test("planes stand within the picture, apart, and at one scale where there is room", () => {
  for (const extent of [[440, 290, 200], [180, 210, 180], [500, 400, 1000], [30, 30, 30]] as const) {
    const boxes = Object.values(arranged(extent, 1030 / 480));
    for (const [i, [left, top, width, height]] of boxes.entries()) {
      assert.ok(left >= 0 && top >= 0 && left + width <= 1.0001 && top + height <= 1.0001);
      for (const other of boxes.slice(i + 1)) assert.ok(left + width <= other[0] || other[0] + other[2] <= left || top + height <= other[1] || other[1] + other[3] <= top);
    }
  }
  const { axial, coronal, sagittal } = arranged([440, 290, 200], 1030 / 480);
  assert.equal(axial[2], coronal[2]);
  assert.ok(Math.abs(axial[3] / coronal[3] - 290 / 200) < 1e-9);
  assert.deepEqual([sagittal[1], sagittal[3]], [coronal[1], coronal[3]]);
});
