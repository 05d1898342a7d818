/** The workbench: who is here, then the page that the URL names. */

import "./style/index.css";
import { maybe, Problem, session as ask, statePurpose } from "./api/client.ts";
import { news } from "./api/stream.ts";
import type { Session, Ways } from "./api/types.ts";
import { replace } from "./core/dom.ts";
import { here } from "./core/router.ts";
import * as theme from "./core/theme.ts";
import { page, type Context } from "./pages/table.ts";
import { emergency } from "./pages/emergency.ts";
import { signIn } from "./pages/signin.ts";
import { listen } from "./shell/keys.ts";
import { frame, type Frame } from "./shell/nav.ts";
import { NOTICE } from "./ui/download.ts";
import { failed, loading } from "./ui/state.ts";

const app = document.getElementById("app") ?? document.body;
let leaving = new AbortController();
let shown: string | null = null;

async function start(): Promise<void> {
  theme.apply();
  theme.watch();
  let who: Session;
  try {
    who = await ask();
  } catch (error) {
    await welcome(error);
    return;
  }
  if (!who.purposes.some((p) => p.name === who.purpose)) statePurpose("");
  const held = frame(who, who.research_notice || NOTICE);
  replace(app, held.root);
  listen();
  const listeners = new Set<Parameters<typeof news>[0]>();
  const close = news((item) => listeners.forEach((take) => take(item)), held.live);
  addEventListener("pagehide", close);
  const context = (signal: AbortSignal): Context => ({ session: who, signal, say: held.say, hear: (take) => subscribe(listeners, take, signal) });
  addEventListener("hashchange", () => void render(held, context));
  addEventListener("themechange", () => void render(held, context, true));
  await render(held, context);
}

function subscribe<T>(listeners: Set<T>, take: T, signal: AbortSignal): void {
  listeners.add(take);
  signal.addEventListener("abort", () => listeners.delete(take));
}

async function render(held: Frame, context: (signal: AbortSignal) => Context, again = false): Promise<void> {
  if (!again && location.hash === shown) return;
  shown = location.hash;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  held.mark();
  replace(held.main, loading("the page"));
  try {
    const [title, content] = await page(here(), context(signal));
    if (signal.aborted) return;
    document.title = `${title} · gemel`;
    replace(held.main, content);
    held.main.dataset["ready"] = "true";
    if (!again) held.say(title);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Problem && error.status === 401) void welcome(error);
    else replace(held.main, failed(error, () => void render(held, context, true)), unseen(error, context(signal).session, () => void render(held, context, true)));
  }
}

/** A twin that is not found may be one that the user may not see. */
function unseen(error: unknown, session: Session, again: () => void): HTMLElement | null {
  const [page, id] = here().path;
  return error instanceof Problem && error.status === 404 && page === "twins" && id ? emergency(session, id, again) : null;
}

async function welcome(error: unknown): Promise<void> {
  const held = frame(null, NOTICE);
  const reachable = error instanceof Problem && error.status === 401;
  const why = here().query.get("why") ?? (new URLSearchParams(location.search).get("link") === "expired" ? "expired" : "");
  const ways = reachable ? await maybe<Ways>("/api/ways").catch(() => null) : null;
  replace(held.main, reachable ? signIn(why, ways) : failed(error, () => location.reload()));
  replace(app, held.root);
  document.title = "Sign in · gemel";
}

void start();
