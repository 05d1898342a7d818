/** What the mock answers, by path. */

const at = (day: number): string => new Date(Date.UTC(2026, 2, 2 + day, 9)).toISOString();
const row = { id: "ID", system: "prostate", title: "Mock pelvis", badge: "twin", version: 9, subject: "p-1", last_scan: at(2), next_at: at(3), tainted: false };
const event = (version: number, kind: string, day: number, words: string) => ({ version, kind, at: at(day), known_at: at(day), actor: "mock", words, counts: true, hash: `h${version}` });
const image = (key: string, name: string, role: string, day: number, window: number[], unit: string) => ({ key: `${key}${day}`, name, role, at: at(day), unit, window, shape: [64, 64, 64], spacing_mm: [4, 4, 4], url: `/api/twins/ID/images/${key}` });
const labels = [{ value: 1, name: "CTV", colour: "#d55e00" }, { value: 2, name: "BLADDER", colour: "#e69f00" }];

export const answers: Record<string, unknown> = {
  session: { user: "mock", roles: ["physician"], purpose: "treatment", purposes: [{ name: "treatment", words: "treating the patient" }], csrf: "x", research_notice: "Research software. Not a medical device; not CE-marked or FDA-cleared; must not be the sole basis of a clinical decision.", version: "mock" },
  twins: { total: 1, twins: [{ ...row, alarms: 1 }] },
  "twins/ID": { ...row, at: at(2), belief: "b", expected: [{ name: "prostate_mm[x]", median: 0.4, low: -1.2, high: 2.1 }, { name: "prostate_mm[y]", median: -0.6, low: -3, high: 1.9 }], notes: ["a note of the model"], parts: 2, planned: 5, delivered: [], alarms: [{ at: at(1), words: "bladder larger than forecast" }], taint_words: "", versions: 9 },
  "twins/ID/events": { events: [event(1, "Ingested", 0, "planning data"), event(2, "Forecast", 0, "forecast"), event(3, "Observed", 1, "scan 1"), event(4, "Assimilated", 1, "alarm: bladder"), event(5, "Decided", 1, "recommended day-1"), event(6, "Acted", 1, "gave day-1"), event(7, "Observed", 2, "scan 2"), event(8, "Assimilated", 2, "as expected"), event(9, "Forecast", 2, "forecast")] },
  "twins/ID/images": { images: [image("ct", "CT", "scan", 0, [-160, 240], "HU"), image("ct", "CT", "scan", 1, [-160, 240], "HU"), { ...image("labels", "structures", "structures", 0, [0, 2], ""), labels }, image("dose", "dose", "dose", 1, [0, 60], "Gy"), image("dose", "dose forecast", "forecast", 3, [0, 60], "Gy")], times: [at(0), at(1), at(3)] },
  "twins/ID/charts": { charts: [{ title: "DVH", note: "bands: 90 %", panels: [{ title: "CTV", x_label: "dose / Gy", y_label: "volume / %", logarithmic: false, limits: { D98: 57 }, marks: [], traces: [{ name: "CTV", x: [0, 50, 60, 65], y: [100, 100, 60, 0], low: [100, 99, 40, 0], high: [100, 100, 80, 2], points: false, colour: 0 }] }] }], tables: [{ title: "Options", columns: ["plan", "D98 / Gy"], rows: [["day-1", "57.1"]], note: "" }] },
  "twins/ID/decision": { version: 5, at: at(1), made_by: "mock", recommended: "day-1", reason: "day-1: 90.1 ± 2.0 points", unit: "points", options: [{ name: "day-1", utility: 90.1, utility_sd: 2, p_best: 0.8, p_limits: { "CTV_D98_Gy >= 57": 0.93 }, feasible: true }, { name: "clinical", utility: 80, utility_sd: 3, p_best: 0.2, p_limits: { "CTV_D98_Gy >= 57": 0.42 }, feasible: false }], limits: [{ label: "CTV_D98_Gy >= 57", probability: 0.9 }], readouts: { "day-1": { CTV_D98_Gy: { unit: "Gy", median: 57.4, low: 56.5, high: 58 } }, clinical: { CTV_D98_Gy: { unit: "Gy", median: 56.9, low: 55, high: 58 } } }, front: [{ name: "day-1", x: 1, y: 57 }, { name: "clinical", x: 3, y: 56 }], front_labels: ["rectum V23 / cm³", "CTV D98 / Gy"], given: null },
  "twins/ID/plans": { plans: ["day-1", "clinical"] },
  "twins/ID/ledger": { scans: [1, 2].map((d) => ({ at: at(d), components: [{ name: "prostate_mm[0]", low: -2, median: 0, high: 2, value: d - 1.4, rank: 0.3 * d, alarm: d === 1 }] })) },
  "twins/ID/provenance": { nodes: [{ id: "o1", kind: "original", label: "CT slice", at: at(0), tainted: false }, { id: "o2", kind: "original", label: "CT slice", at: at(0), tainted: false }, { id: "h1", kind: "event", label: "Ingested", at: at(0), tainted: false }, { id: "h3", kind: "event", label: "Observed", at: at(1), tainted: false }, { id: "h5", kind: "decision", label: "Decided", at: at(1), tainted: false }], edges: [["o1", "h1"], ["o2", "h1"], ["h1", "h3"], ["h3", "h5"]] },
  jobs: { jobs: [] },
  models: { models: [{ name: "prostate", version: "1", title: "Prostate radiotherapy", evidence: null, conformance: null }] },
  cohorts: { cohorts: [] },
  scanners: { scanners: [] },
};
