/** Volumes to look at: an ellipsoid of water with a ball in it, a dose around the ball, and their labels, as NIfTI-1. */

const [N, MM] = [64, 4];

export function phantom(kind: string): Uint8Array {
  const labels = kind === "labels";
  const bytes = new Uint8Array(352 + N ** 3 * (labels ? 1 : 4));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 348, true);
  [3, N, N, N, 1, 1, 1, 1].forEach((v, i) => view.setInt16(40 + 2 * i, v, true));
  view.setInt16(70, labels ? 2 : 16, true);
  view.setInt16(72, labels ? 8 : 32, true);
  [1, MM, MM, MM].forEach((v, i) => view.setFloat32(76 + 4 * i, v, true));
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setInt16(254, 1, true);
  for (let r = 0; r < 3; r++) {
    view.setFloat32(280 + 16 * r + 4 * r, r < 2 ? -MM : MM, true);
    view.setFloat32(280 + 16 * r + 12, (r < 2 ? 1 : -1) * MM * (N / 2), true);
  }
  bytes.set([0x6e, 0x2b, 0x31, 0], 344);
  for (let k = 0, at = 352; k < N; k++) for (let j = 0; j < N; j++) for (let i = 0; i < N; i++, at += labels ? 1 : 4) put(view, at, kind, i - N / 2, j - N / 2, k - N / 2);
  return bytes;
}

function put(view: DataView, at: number, kind: string, x: number, y: number, z: number): void {
  const ball = Math.hypot(x - 6, y, z);
  const body = (x / 28) ** 2 + (y / 20) ** 2 + (z / 30) ** 2 < 1;
  if (kind === "labels") view.setUint8(at, ball < 6 ? 1 : Math.hypot(x + 8, y, z) < 5 ? 2 : 0);
  else if (kind === "dose") view.setFloat32(at, body ? 60 * Math.exp(-((ball / 9) ** 2)) : 0, true);
  else view.setFloat32(at, body ? (ball < 6 ? 60 : 20) + 10 * Math.sin(i3(x, y, z)) : -1000, true);
}

const i3 = (x: number, y: number, z: number): number => 12.9898 * x + 78.233 * y + 37.719 * z;
