/** Server-sent events: the progress of a job, and what is new in the record. */

import { get, Problem, url } from "./client.ts";
import type { Job } from "./types.ts";

export interface News {
  readonly twin: string;
  readonly version: number;
  readonly kind: string;
  readonly words: string;
}

/** Calls `seen` for every new event of twins that the user may see; returns what ends it. */
export function news(seen: (news: News) => void, live: (connected: boolean) => void): () => void {
  const source = new EventSource(url("/api/events"));
  const take = (event: MessageEvent<string>): void => {
    const body = parsed<News>(event.data);
    if (body?.twin) seen(body);
  };
  source.onmessage = take;
  for (const name of ["entry"]) source.addEventListener(name, take as EventListener);
  source.onopen = () => live(true);
  source.onerror = () => live(false);
  return () => source.close();
}

/** Follows a job until it ends; falls back on asking when the stream breaks. Raises Problem when the job failed. */
export async function follow(id: string, report: (job: Partial<Job>) => void, signal: AbortSignal): Promise<Job> {
  await streamed(id, report, signal);
  for (;;) {
    const job = await get<Job>(`/api/jobs/${encodeURIComponent(id)}`, signal);
    report(job);
    if (job.state === "done") return job;
    if (job.state === "failed") throw failure(job);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

function failure(job: Job): Problem {
  return new Problem(422, `${job.verb} did not end well`, job.error ?? "no reason was given", job.twin, "read the reason; the record is unchanged");
}

function streamed(id: string, report: (job: Partial<Job>) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const source = new EventSource(url(`/api/jobs/${encodeURIComponent(id)}/events`));
    const end = (): void => {
      source.close();
      resolve();
    };
    const told = (event: Event): void => {
      const body = parsed<Partial<Job>>((event as MessageEvent<string>).data);
      if (body) report(body);
    };
    source.addEventListener("progress", told);
    source.addEventListener("end", end);
    source.onmessage = told;
    source.onerror = end;
    signal.addEventListener("abort", end);
  });
}

function parsed<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
