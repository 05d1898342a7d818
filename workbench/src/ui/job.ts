/** A verb run as a job: what it does, how far it is, how it ended; and what to do when the twin has moved on. */

import { act, Problem, send } from "../api/client.ts";
import { follow } from "../api/stream.ts";
import type { Job, Twin } from "../api/types.ts";
import { h } from "../core/dom.ts";
import { failed } from "./state.ts";

export function reload(): void {
  dispatchEvent(new Event("themechange"));
}

/** Starts `verb` on the twin as seen and follows it in `place`; true when it ended well. */
export async function run(place: HTMLElement, twin: Pick<Twin, "id" | "tag">, verb: string, body: unknown, signal: AbortSignal): Promise<boolean> {
  const words = h("span", { "data-testid": "job-words" }, `${verb}: asking …`);
  const bar = h("progress", { "aria-label": `Progress of ${verb}` });
  const stop = h("button", { type: "button", class: "small", hidden: true }, "Cancel");
  place.replaceChildren(h("div", { class: "job", role: "status", "data-testid": "job" }, bar, words, stop));
  try {
    const id = await act(twin.id, twin.tag, verb, body);
    stop.hidden = false;
    stop.addEventListener("click", () => void send("DELETE", `/api/jobs/${encodeURIComponent(id)}`, undefined));
    await follow(id, (job) => report(job, verb, bar, words), signal);
    place.replaceChildren(h("div", { class: "job done", role: "status", "data-testid": "job-done" }, `${verb} is done. `, h("button", { type: "button", class: "small", onclick: reload }, "Show the result")));
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    place.replaceChildren(failed(moved(error), reload));
    return false;
  }
}

function report(job: Partial<Job>, verb: string, bar: HTMLProgressElement, words: HTMLElement): void {
  const known = job.total !== undefined && job.total > 0;
  if (known) {
    bar.max = job.total ?? 1;
    bar.value = job.done ?? 0;
  } else bar.removeAttribute("value");
  const waiting = job.state === "waiting" ? "waits for its turn" : job.what || "works";
  words.textContent = `${verb}: ${waiting}${known ? `, ${job.done ?? 0} of ${job.total}` : ""}`;
}

function moved(error: unknown): unknown {
  if (!(error instanceof Problem) || error.status !== 412) return error;
  return new Problem(412, "The twin has moved on", `Something came into the record after you opened this page${error.detail ? `: ${error.detail}` : ""}. Nothing was done.`, "", "reload, look at what is new, and choose again");
}
