/** A window for a volume that comes without one: between the 1st and the 99.5th percentile of some of its voxels. */

import type { Volume } from "./volume.ts";

const LOOKED_AT = 20_000;

export function usualWindow(v: Volume): readonly [number, number] {
  const step = Math.max(1, Math.floor(v.samples.length / LOOKED_AT));
  const seen: number[] = [];
  for (let i = 0; i < v.samples.length; i += step) seen.push((v.samples[i] ?? 0) * v.slope + v.offset);
  seen.sort((a, b) => a - b);
  const share = (p: number): number => seen[Math.floor(p * (seen.length - 1))] ?? 0;
  const [low, high] = [share(0.01), share(0.995)];
  return high > low ? [low, high] : [low, low + 1];
}
