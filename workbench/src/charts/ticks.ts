/** Where an axis is marked. */

/** Round numbers within an extent, about five. */
export function ticks(low: number, high: number, about = 5): number[] {
  const raw = (high - low) / about;
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** 1, 2 and 5 times powers of ten within a positive extent; powers alone where it spans many. */
export function logTicks(low: number, high: number): number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = to - from > 4 ? [1] : [1, 2, 5];
  const all = Array.from({ length: to - from + 1 }, (_, k) => steps.map((m) => Number((m * 10 ** (from + k)).toPrecision(6)))).flat();
  const kept = all.filter((v) => v >= low && v <= high);
  return kept.length > 1 ? kept : ticks(low, high, 4);
}
