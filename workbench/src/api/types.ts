/** What the HTTP API answers; names are the server's. */

export type Iso = string;
export type Badge = "model" | "shadow" | "twin";

export interface Session {
  readonly user: string;
  readonly roles: readonly string[];
  readonly purpose: string;
  readonly purposes: readonly Purpose[];
  readonly csrf: string;
  readonly research_notice: string;
  readonly version: string;
}

/** A purpose of use that one may state. */
export interface Purpose {
  readonly name: string;
  readonly words: string;
}

/** How one may sign in: with a password, by the organisation's provider (its address), by a link from the terminal. */
export interface Ways {
  readonly password: boolean;
  readonly provider: string;
  readonly link: boolean;
}

export interface TwinRow {
  readonly id: string;
  readonly system: string;
  readonly title: string;
  readonly badge: Badge;
  readonly version: number;
  readonly subject: string;
  readonly last_scan: Iso | null;
  readonly next_at: Iso | null;
  readonly alarms: number | readonly unknown[];
  readonly tainted: boolean;
}

export interface Expected {
  readonly name: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Given {
  readonly name: string;
  readonly registered: number;
  readonly low: number;
  readonly high: number;
  readonly course: number;
}

export interface Alarm {
  readonly at: Iso;
  readonly words: string;
}

export interface Twin extends TwinRow {
  /** The version as an entity tag, for If-Match. */
  readonly tag: string;
  readonly at: Iso;
  readonly belief: string;
  readonly expected: readonly Expected[];
  readonly notes: readonly string[];
  readonly parts: number;
  readonly planned: number;
  readonly delivered: readonly Given[];
  readonly alarms: readonly Alarm[];
  readonly taint_words: string | readonly string[];
  readonly versions: number;
}

export interface TwinEvent {
  readonly version: number;
  readonly kind: string;
  readonly at: Iso;
  readonly known_at: Iso;
  readonly actor: string;
  readonly words: string;
  readonly counts: boolean;
  readonly hash: string;
}

export interface Label {
  readonly value: number;
  readonly name: string;
  readonly colour: string;
}

export type Role = "scan" | "dose" | "forecast" | "structures" | "map";

export interface ImageInfo {
  readonly key: string;
  readonly name: string;
  readonly role: Role;
  readonly at: Iso | null;
  readonly unit: string;
  readonly window: readonly [number, number] | null;
  readonly shape: readonly number[];
  readonly spacing_mm: readonly number[];
  readonly url: string;
  readonly labels?: readonly Label[] | null;
}

export interface Images {
  readonly images: readonly ImageInfo[];
  readonly times: readonly Iso[];
}

export type Numbers = readonly (number | null)[];

export interface Trace {
  readonly name: string;
  readonly x: Numbers;
  readonly y: Numbers;
  readonly low: Numbers;
  readonly high: Numbers;
  readonly points: boolean;
  readonly colour: number;
}

export interface Panel {
  readonly title: string;
  readonly x_label: string;
  readonly y_label: string;
  readonly logarithmic: boolean;
  readonly limits: Readonly<Record<string, number>>;
  readonly marks: readonly number[];
  readonly traces: readonly Trace[];
}

export interface Chart {
  readonly title: string;
  readonly note: string;
  readonly panels: readonly Panel[];
}

export interface TableData {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
}

export interface Charts {
  readonly charts: readonly Chart[];
  readonly tables: readonly TableData[];
}

export interface Option {
  readonly name: string;
  readonly utility: number;
  readonly utility_sd: number;
  readonly p_best: number;
  readonly p_limits: Readonly<Record<string, number>>;
  readonly feasible: boolean;
}

export interface Readout {
  readonly unit: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Decision {
  readonly version: number;
  readonly at: Iso;
  readonly made_by: string;
  readonly recommended: string;
  readonly reason: string;
  readonly unit: string;
  readonly options: readonly Option[];
  readonly limits: readonly { readonly label: string; readonly probability: number }[];
  readonly readouts: Readonly<Record<string, Readonly<Record<string, Readout>>>>;
  readonly front: readonly { readonly name: string; readonly x: number; readonly y: number }[];
  readonly front_labels: readonly string[];
  readonly deviations?: readonly { readonly readout: string; readonly probability: number; readonly cause: string }[];
  readonly given: { readonly plan: string; readonly actor: string; readonly note: string; readonly at: Iso } | null;
}

export interface Job {
  readonly id: string;
  readonly verb: string;
  readonly twin: string;
  readonly actor: string;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly what: string;
  readonly done: number;
  readonly total: number;
  readonly since: Iso;
  readonly error: string | null;
  readonly result: unknown;
}

export interface LedgerRow {
  readonly model: string;
  readonly version: string;
  readonly of: string;
  readonly component: string;
  readonly scans: number;
  readonly twins: number;
  readonly covered: number;
  readonly covered_low: number;
  readonly covered_high: number;
  readonly crps: number;
  readonly alarms: number;
  readonly p: number;
}

export interface Trust {
  readonly model: string;
  readonly version: string;
  readonly scans: number;
  readonly evidence: number;
  readonly trusted: boolean;
}

export interface Ledger {
  readonly rows: readonly LedgerRow[];
  readonly trust: readonly Trust[];
  readonly left_out: readonly unknown[];
  readonly ranks: Readonly<Record<string, readonly number[]>>;
}

export interface Scored {
  readonly name: string;
  readonly low: number | null;
  readonly median: number | null;
  readonly high: number | null;
  readonly value: number | null;
  readonly rank: number | null;
  readonly alarm: boolean;
}

export interface TwinLedger {
  readonly scans: readonly { readonly at: Iso; readonly components: readonly Scored[] }[];
}

export interface ProvenanceNode {
  readonly id: string;
  readonly kind: "event" | "original" | "artefact" | "decision";
  readonly label: string;
  readonly at: Iso | null;
  readonly tainted: boolean;
}

export interface Provenance {
  readonly nodes: readonly ProvenanceNode[];
  readonly edges: readonly (readonly [string, string])[];
}

export interface Moved {
  readonly name: string;
  readonly of: string;
  readonly unit: string;
  readonly mean: number;
  readonly sd: number;
  readonly mean_now: number;
  readonly sd_now: number;
  readonly moved_sd: number;
  readonly because: string;
}

export interface Diff {
  readonly version: number;
  readonly version_now: number;
  readonly moved: readonly Moved[];
  readonly recommended: string;
  readonly recommended_now: string;
}
