/** What came in, which rule took it, which job it made; and how the DICOM node is. */

import { get, maybe, send, tagged } from "../api/client.ts";
import type { Job, Twin, TwinRow } from "../api/types.ts";
import { h, replace, type Child } from "../core/dom.ts";
import { bytes, number, when } from "../core/format.ts";
import { href, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card, facts } from "../ui/card.ts";
import { run } from "../ui/job.ts";
import { empty, failed, loading } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import { SHOWN } from "./series.ts";
import type { Context, Page } from "./table.ts";

interface Received {
  readonly series: string;
  readonly study?: string;
  readonly modality: string;
  readonly patient: string;
  readonly objects: number;
  readonly at: string;
  readonly rule: string | null;
  readonly description?: string;
  readonly twin?: string;
  readonly why?: string;
  readonly job: string | null;
  readonly state: string;
}

interface Node {
  readonly aet: string;
  readonly port: number;
  readonly associations: number;
  readonly received: number;
  readonly refused: number;
  readonly rate_per_s: number;
  readonly disk_free_bytes: number;
  readonly peers: readonly unknown[];
}

const EVERY_MS = 3000;

export async function queue(_: Place, context: Context): Promise<Page> {
  const held = h("div", {}, loading("the queue"));
  let first = true;
  const show = async (): Promise<void> => {
    try {
      const [twins, found, jobs, node] = await Promise.all([maybe<{ twins: readonly TwinRow[] }>("/api/twins?limit=500", context.signal), maybe<{ received: readonly Received[] }>("/api/queue", context.signal), get<{ jobs: readonly Job[] }>("/api/jobs", context.signal), maybe<Node>("/api/node", context.signal)]);
      if (context.signal.aborted || (!first && (held.querySelector(".job, .error") || (held.contains(document.activeElement) && document.activeElement !== document.body)))) return;
      replace(held, h("div", { class: "stack" }, status(node), series(found?.received ?? [], twins?.twins ?? [], context), work(jobs.jobs)));
    } catch (error) {
      if (!context.signal.aborted && first) replace(held, failed(error, () => void show()));
    }
    first = false;
  };
  await show();
  const timer = setInterval(() => void show(), EVERY_MS);
  context.signal.addEventListener("abort", () => clearInterval(timer));
  return ["Queue", h("div", { class: "page", "data-testid": "page-queue" }, h("div", { class: "title" }, h("h1", {}, "Queue")), held)];
}

function status(node: Node | null): HTMLElement {
  if (!node) return card("DICOM node", { id: "node" }, empty("The DICOM node does not run, or you may not see it", "Start it with ", h("code", {}, "gemel serve --dicom-port 11112"), "."));
  return card("DICOM node", { id: "node" }, facts([["AE title", node.aet], ["port", node.port || "not open"], ["associations", node.associations], ["received", number(node.received, 7)], ["refused", node.refused ? chip(String(node.refused), "warn") : 0], ["rate", `${number(node.rate_per_s)} images/s`], ["disk free", bytes(node.disk_free_bytes)], ["peers", node.peers?.length ?? 0]]));
}

function series(rows: readonly Received[], twins: readonly TwinRow[], context: Context): HTMLElement {
  const body = rows.length
    ? table<Received>("Received series", [
        { title: "When", key: true, cell: (r) => when(r.at) },
        { title: "Modality", cell: (r) => r.modality },
        { title: "What", cell: (r) => r.description ?? "" },
        { title: "Subject", cell: (r) => h("span", { class: "mono", title: r.patient }, r.patient.slice(0, 12)) },
        { title: "Objects", number: true, cell: (r) => r.objects },
        { title: "Rule", cell: (r) => r.rule || h("span", { class: "muted" }, "none") },
        { title: "Twin", cell: (r) => (r.twin ? h("a", { href: href(["twins", r.twin]) }, r.twin) : "") },
        { title: "State", cell: (r) => [state(r.state), r.why ? h("span", { class: "muted" }, ` ${r.why}`) : null] },
        { title: "Series", cell: (r) => seriesLink(r) },
        { title: "Take", cell: (r) => takers(r, twins, context) },
      ], rows, { id: "received-table" })
    : empty("Nothing has come in yet", "Send images to the node from the scanner, or ", h("code", {}, "gemel pull"), " priors from the archive.");
  return card("Received", { id: "received" }, body);
}

/** States in which nobody works on a series: no rule took it, it was laid before a person, or given up. */
const FREE = new Set(["received", "left", "asked", "dead"]);
const SEEN = new Set(["CT", "MR", "PT", "NM", "SEG"]);

/** Twins of the same subject, each of which may observe a series that nobody works on. */
function takers(row: Received, twins: readonly TwinRow[], context: Context): Child {
  if (!FREE.has(row.state) || !SEEN.has(row.modality) || !row.patient) return null;
  return twins.filter((t) => t.subject === row.patient).slice(0, 3).map((t) => {
    const place = h("div", {});
    const take = async (): Promise<void> => {
      const twin = await tagged<Twin>(`/api/twins/${encodeURIComponent(t.id)}`, context.signal);
      await run(place, twin, "observe", { series: row.series }, context.signal);
    };
    return h("div", {}, h("button", { type: "button", class: "small", "data-testid": "take", onclick: () => void take().catch((error: unknown) => replace(place, failed(error))) }, `Observe with ${t.id}`), place);
  });
}

function seriesLink(r: Received): HTMLElement {
  const words = r.series.length > 24 ? `…${r.series.slice(-22)}` : r.series;
  if (!r.study || !SHOWN.has(r.modality)) return h("span", { class: "mono muted", title: r.series }, words);
  return h("a", { href: href(["series", r.study, r.series]), class: "mono", title: `look at ${r.series}`, "data-testid": "look" }, words);
}

function work(jobs: readonly Job[]): HTMLElement {
  const body = jobs.length
    ? table<Job>("Jobs", [
        { title: "Since", key: true, cell: (j) => when(j.since) },
        { title: "What", cell: (j) => j.verb },
        { title: "Twin", cell: (j) => (j.twin ? h("a", { href: href(["twins", j.twin]) }, j.twin) : "") },
        { title: "Who", cell: (j) => j.actor },
        { title: "State", cell: (j) => state(j.state) },
        { title: "Progress", cell: progress },
        { title: "Stop", cell: (j) => (j.state === "running" || j.state === "waiting" ? h("button", { type: "button", class: "small", "aria-label": `Cancel ${j.verb}`, onclick: () => void send("DELETE", `/api/jobs/${encodeURIComponent(j.id)}`, undefined) }, "Cancel") : null) },
      ], jobs, { id: "jobs-table" })
    : empty("No job has run", "Jobs come from the page Decide, from routing rules and from the API.");
  return card("Jobs", { id: "jobs" }, body);
}

function progress(job: Job): Child {
  if (job.state === "failed") return h("span", { title: job.error ?? "" }, (job.error ?? "").slice(0, 120));
  if (job.state === "done") return "";
  return [h("progress", job.total > 0 ? { max: job.total, value: job.done, "aria-label": `${job.verb}: ${job.done} of ${job.total}` } : { "aria-label": `${job.verb} works` }), ` ${job.what ?? ""}`];
}

function state(name: string): HTMLElement {
  const kind = { done: "good", failed: "bad", quarantined: "bad", refused: "bad", dead: "bad", asked: "warn", grown: "plain", waiting: "plain", running: "plain" }[name] as "good" | "bad" | "warn" | "plain" | undefined;
  return chip(name, kind ?? "plain");
}
