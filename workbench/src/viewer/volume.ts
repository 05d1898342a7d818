/** A volume as the server gives it (NIfTI-1, gzip): fetched once, kept while there is room. NIfTI is RAS; gemel and DICOM are LPS.
 *
 * Header fields: https://nifti.nimh.nih.gov/nifti-1 (Cox et al. 2004).
 */

import { download as fetched, Problem } from "../api/client.ts";

export type Vec3 = readonly [number, number, number];
type Samples = Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

export interface Volume {
  readonly bytes: ArrayBuffer;
  readonly size: Vec3;
  /** Rows of the affine from voxel indices to RAS mm. */
  readonly affine: readonly (readonly [number, number, number, number])[];
  readonly samples: Samples;
  readonly slope: number;
  readonly offset: number;
}

const ROOM = 600e6;
const kept = new Map<string, Promise<Volume>>();
const sizes = new Map<string, number>();

/** The volume at an address; its key names its content, so that it never goes stale. */
export function volume(key: string, address: string): Promise<Volume> {
  const known = kept.get(key);
  if (known) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const coming = download(address).then((bytes) => {
    sizes.set(key, bytes.byteLength);
    forget(key);
    return decoded(bytes);
  });
  coming.catch(() => kept.delete(key));
  kept.set(key, coming);
  return coming;
}

function forget(newest: string): void {
  let total = [...sizes.values()].reduce((a, b) => a + b, 0);
  for (const key of kept.keys()) {
    if (total <= ROOM) return;
    if (key === newest) continue;
    total -= sizes.get(key) ?? 0;
    sizes.delete(key);
    kept.delete(key);
  }
}

async function download(address: string): Promise<ArrayBuffer> {
  const bytes = await fetched(address);
  const head = new Uint8Array(bytes, 0, 2);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Raises Problem for what is not a little-endian NIfTI-1 of numbers with an sform. */
export function decoded(bytes: ArrayBuffer): Volume {
  const view = new DataView(bytes);
  if (bytes.byteLength < 352 || view.getInt32(0, true) !== 348) throw bad("not a little-endian NIfTI-1 file");
  const size: Vec3 = [view.getInt16(42, true), view.getInt16(44, true), Math.max(view.getInt16(46, true), 1)];
  if (view.getInt16(254, true) <= 0) throw bad("no sform");
  const row = (at: number) => [0, 4, 8, 12].map((o) => view.getFloat32(at + o, true)) as unknown as [number, number, number, number];
  const slope = view.getFloat32(112, true) || 1;
  const samples = typed(bytes, view.getInt16(70, true), view.getFloat32(108, true), size[0] * size[1] * size[2]);
  return { bytes, size, affine: [row(280), row(296), row(312)], samples, slope, offset: view.getFloat32(116, true) || 0 };
}

function typed(bytes: ArrayBuffer, code: number, start: number, n: number): Samples {
  switch (code) {
    case 2:
      return new Uint8Array(bytes, start, n);
    case 4:
      return new Int16Array(bytes, start, n);
    case 8:
      return new Int32Array(bytes, start, n);
    case 16:
      return new Float32Array(bytes, start, n);
    case 64:
      return new Float64Array(bytes, start, n);
    case 256:
      return new Int8Array(bytes, start, n);
    case 512:
      return new Uint16Array(bytes, start, n);
    case 768:
      return new Uint32Array(bytes, start, n);
    default:
      throw bad(`data type ${code}`);
  }
}

function bad(found: string): Problem {
  return new Problem(0, "The image cannot be read", found, "", "report it: the server should not have sent it");
}
