/** Numbers, intervals, probabilities and times as a clinician reads them. */

const MINUS = "\u2212";

/** Three significant figures unless told; an en dash where there is no number. */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(digits - 1).replace("e+", "e").replaceAll("-", MINUS);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(Math.min(decimals, 6)).replace("-", MINUS);
}

/** As `number`, without zeros at the end: for the ticks of an axis. */
export function short(value: number): string {
  const text = number(value, Math.abs(value) >= 1000 && Math.abs(value) < 1e5 ? 5 : 3);
  return text.includes("e") ? text : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** A mean with its standard deviation, both to the second figure of the deviation: `173.1 ± 2.7`. */
export function plusMinus(mean: number | null, sd: number | null): string {
  if (mean === null || sd === null || !(sd > 1e-3) || sd >= 1e4 || !Number.isFinite(mean)) return `${number(mean)} ± ${number(sd, 2)}`;
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(sd)));
  const text = mean.toFixed(decimals);
  return `${(Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS)} ± ${sd.toFixed(decimals)}`;
}

export function interval(low: number | null, high: number | null, digits = 3): string {
  return `${number(low, digits)} to ${number(high, digits)}`;
}

export function percent(p: number | null | undefined): string {
  if (p === null || p === undefined || !Number.isFinite(p)) return "–";
  if (p > 0 && p < 0.005) return "< 1 %";
  if (p < 1 && p > 0.995) return "> 99 %";
  return `${Math.round(100 * p)} %`;
}

/** `2026-03-02T09:00:00Z` as `2026-03-02 09:00` (UTC, said once in the page's footer). */
export function when(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 16).replace("T", " ") : "–";
}

export function day(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 10) : "–";
}

/** How long ago, in the unit that people would use. */
export function ago(iso: string, now: number): string {
  const minutes = (now - Date.parse(iso)) / 60000;
  if (!Number.isFinite(minutes)) return "";
  const [amount, unit] = span(Math.abs(minutes));
  return minutes < 0 ? `in ${amount} ${unit}` : `${amount} ${unit} ago`;
}

function span(minutes: number): [number, string] {
  const steps: [number, string][] = [[60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];
  let amount = minutes;
  for (const [size, name] of steps) {
    if (amount < size) return [Math.round(amount), Math.round(amount) === 1 ? name : `${name}s`];
    amount /= size;
  }
  return [0, "minutes"];
}

const UNITS: Readonly<Record<string, string>> = {
  mm: "mm", mm2: "mm²", mm3: "mm³", mL: "mL", cc: "cm³", Gy: "Gy", mGy: "mGy", Bq: "Bq", MBq: "MBq", GBq: "GBq", kPa: "kPa", HU: "HU", pct: "%",
  deg: "°", degC: "°C", s: "s", d: "d", h: "h", kg: "kg", g: "g", mm2_s: "mm²/s", Bq_mL: "Bq/mL", Bq_s_mL: "Bq·s/mL", mg_L: "mg/L", MBq_L: "MBq/L", kBq_mL: "kBq/mL", "1": "", "1_Gy": "1/Gy", "1_Gy2": "1/Gy²", "1_d": "1/d", "1_h": "1/h", "1_s": "1/s", "1_mL": "1/mL", "1_h_g": "1/(h·g)",
};

/** `prostate_mm[x]` → ["prostate x", "mm"]: a name that ends in its unit, as gemel's names do, taken apart for a heading. */
export function named(name: string): [string, string] {
  const said = /^(.+) \/ (\S+)$/.exec(name);
  if (said) return [said[1] ?? name, said[2] ?? ""];
  const apart = /^(.+), (%.*|\S+)$/.exec(name);
  if (apart && (apart[2]?.startsWith("%") || (apart[2] ?? "") in UNITS)) return [apart[1] ?? name, apart[2] ?? ""];
  if (name.startsWith("ln_") && !name.endsWith("_ratio")) return logarithm(named(name.slice(3)));
  const [, body = name, index = ""] = /^(.*?)(\[[^\]]*\])?$/.exec(name) ?? [];
  const parts = body.split("_");
  for (const n of [3, 2, 1]) {
    const unit = parts.length > n ? UNITS[parts.slice(-n).join("_")] : undefined;
    if (unit !== undefined) return [words(parts.slice(0, -n).join("_"), unit === "mm" || unit === "°" ? lettered(index) : index), unit];
  }
  return [words(body, index), ""];
}

/** As `named`, and what makes of the recorded value what people read: quantities recorded as logarithms are shown as themselves. */
export function natural(name: string): { readonly title: string; readonly unit: string; readonly of: (value: number | null) => number | null } {
  const log = name.startsWith("ln_");
  const [title, unit] = named(log ? name.slice(3) : name);
  return { title, unit, of: (value) => (log && value !== null ? Math.exp(value) : value) };
}

/** The logarithm of a quantity has no unit: its name says of what, in which unit. */
function logarithm([name, unit]: [string, string]): [string, string] {
  return [unit ? `ln(${name} / ${unit})` : `ln ${name}`, ""];
}

/** Components of a vector in space by their axis: the record counts them, people name them. */
function lettered(index: string): string {
  return index.replace(/^\[([012])\]$/, (_, i: string) => `[${"xyz"[Number(i)] ?? i}]`);
}

function words(body: string, index: string): string {
  return `${body.replaceAll("_", " ")} ${index.replace(/[[\]]/g, "")}`.trim();
}

/** Names of the record within a label, taken apart: `CTV_D98_Gy >= 24.7` → `CTV D98 ≥ 24.7 Gy`, `setup_mm` → `setup / mm`. */
export function pretty(label: string): string {
  const limit = /^(\S+) (<=|>=) (\S+)$/.exec(label);
  if (limit) {
    const [name, unit] = named(limit[1] ?? "");
    return `${name} ${limit[2] === "<=" ? "≤" : "≥"} ${limit[3]}${unit ? ` ${unit}` : ""}`;
  }
  const limits = label.replace(/([A-Za-z][\w.]*_[\w.]*) (<=|>=) ([\d.]+)/g, (found) => pretty(found));
  return limits.replace(/[A-Za-z][\w.]*_[\w.]*(\[\w+\])?/g, (found) => {
    const [name, unit] = named(found);
    return unit ? `${name} / ${unit}` : name;
  });
}

/** A unit of the record as it is printed. */
export function unitOf(unit: string): string {
  return UNITS[unit] ?? unit.replace(/(?<=[a-zA-Z])([23])/g, (d) => (d === "2" ? "²" : "³"));
}

/** A cell of a table that a system made: ranges in words, true minus signs, names and times taken apart. */
export function cell(text: string): string {
  const said = text.replace(/(\d)–(?=[-\d])/g, "$1 to ").replace(/(^|[\s(])-(?=\d)/g, `$1${MINUS}`).replace(/(\d)e-0?(\d)/g, `$1e${MINUS}$2`).replace(/(\d)%/g, "$1 %");
  return pretty(said).replace(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?Z?/g, "$1 $2");
}

/** Words of an entry as people read them: without identifiers and file names' ends, names of quantities taken apart. */
export function told(words: string): string {
  const short = tidy(words.replace(/#[0-9a-f]{3,}/g, "").replace(/\.(nii(\.g?z?)?|json|dcm)\.*(?=$|[\s,;])/g, ""));
  return short.replace(/[A-Za-z][\w.]*_[\w.]*(\[\w+\])?/g, (found) => named(found)[0]) || "scan";
}

/** Words of the record without what only machines read: long identifiers, and seconds that are zero. */
export function tidy(words: string): string {
  return words
    .replace(/,? ?(scan )?\b\d+\.\d+\.\d{6,}[\d.]*/g, "")
    .replace(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(\.\d+)?Z?/g, "$1 $2")
    .trim();
}

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${number(n)} ${units[i]}`;
}
