/** Requests to the server of this page, and to no other. */

import type { Job, Session } from "./types.ts";

/** What the server refused, in its own words (RFC 9457 problem details, with `where` and `remedy`). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly where = "",
    readonly remedy = "",
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(title || detail);
  }
}

const PURPOSE = "gemel.purpose";
let csrf = "";
let purpose = sessionStorage.getItem(PURPOSE) ?? "";
/** Where the server lives, relative to the page: a prefix of a proxy is kept. */
const base = new URL("./", document.baseURI);

export function url(path: string): string {
  return new URL(path.replace(/^\//, ""), base).href;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(path, { signal: signal ?? null, headers: { Accept: "application/json" } });
  return (await answer.json()) as T;
}

/** As `get`, with the version mark (ETag) that a change of the thing must name. */
export async function tagged<T extends object>(path: string, signal?: AbortSignal): Promise<T & { readonly tag: string }> {
  const answer = await request(path, { signal: signal ?? null, headers: { Accept: "application/json" } });
  return { ...((await answer.json()) as T), tag: (answer.headers.get("ETag") ?? "").replace(/^W\//, "") };
}

/** As `get`; null where the server does not know the thing. */
export async function maybe<T>(path: string, signal?: AbortSignal): Promise<T | null> {
  try {
    return await get<T>(path, signal);
  } catch (error) {
    if (error instanceof Problem && (error.status === 404 || error.status === 403 || error.status === 409)) return null;
    throw error;
  }
}

export async function send<T>(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
  const answer = await request(path, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRF": csrf, ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return (answer.status === 204 ? {} : await answer.json()) as T;
}

/** A verb on a twin as it was seen: the server refuses (412) when the twin has moved on. */
export async function act(twin: string, tag: string, verb: string, body: unknown): Promise<string> {
  const answer = await send<{ job: string | Job }>("POST", `/api/twins/${encodeURIComponent(twin)}/${verb}`, body, { "If-Match": tag });
  return typeof answer.job === "string" ? answer.job : answer.job.id;
}

export async function session(signal?: AbortSignal): Promise<Session> {
  const found = await get<Session>("/api/session", signal);
  csrf = found.csrf ?? "";
  return found;
}

/** The purpose of use that goes with every request from now on. */
export function statePurpose(name: string): void {
  purpose = name;
  sessionStorage.setItem(PURPOSE, name);
}

/** Bytes of an address of this server. */
export async function download(path: string): Promise<ArrayBuffer> {
  return (await request(path, {})).arrayBuffer();
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    const headers = { ...(purpose ? { "X-Purpose": purpose } : {}), ...(init.headers as Record<string, string>) };
    answer = await fetch(url(path), { credentials: "same-origin", ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer", "gemel is not running, or the network is down.", "", "start `gemel serve` and reload");
  }
  if (answer.ok) return answer;
  throw await problem(answer);
}

async function problem(answer: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await answer.json()) as Record<string, unknown>;
  } catch {
    // not JSON: the status has to say it
  }
  const text = (name: string): string => (typeof body[name] === "string" ? body[name] : "");
  const [title, remedy] = WORDS[answer.status] ?? [`The server answered ${answer.status}`, "reload; if it stays, see the server's log"];
  return new Problem(answer.status, text("title") || title, text("detail"), text("where"), text("remedy") || remedy, body);
}

const WORDS: Readonly<Record<number, readonly [string, string]>> = {
  401: ["You are not signed in", "sign in again"],
  403: ["You may not see this", "ask for a care relationship or a role, or give another purpose of use"],
  404: ["There is no such thing here", "go back to the list"],
  409: ["Another change is under way", "wait until it has ended and reload"],
  412: ["The twin has moved on since you opened this page", "reload, look at what is new, and decide again"],
  428: ["The version that you saw is missing", "reload the page"],
  429: ["Too many requests", "wait a moment"],
  503: ["The server is busy or cannot write its audit log", "wait a moment; an administrator sees why in the log"],
};
