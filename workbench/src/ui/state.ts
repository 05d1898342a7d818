/** What a part of the page says while it waits, when there is nothing, and when something went wrong: always with what to do. */

import { Problem } from "../api/client.ts";
import { h, type Child } from "../core/dom.ts";

export function loading(what: string): HTMLElement {
  return h("div", { class: "state", role: "status", "data-testid": "loading" }, h("span", { class: "pulse", "aria-hidden": "true" }), `Loading ${what} …`);
}

export function empty(title: string, ...remedy: Child[]): HTMLElement {
  return h("div", { class: "state empty", "data-testid": "empty" }, h("strong", {}, title), remedy.length ? h("p", {}, ...remedy) : null);
}

export function failed(error: unknown, retry?: () => void): HTMLElement {
  const problem = error instanceof Problem ? error : new Problem(0, "The page met something unexpected", String(error), "", "reload the page");
  return h(
    "div",
    { class: "state error", role: "alert", "data-testid": "error" },
    h("strong", {}, problem.title),
    problem.detail ? h("p", {}, problem.detail) : null,
    problem.where ? h("p", { class: "muted" }, "Where: ", problem.where) : null,
    problem.remedy ? h("p", {}, "What to do: ", problem.remedy, ".") : null,
    retry ? h("button", { type: "button", onclick: retry }, problem.status === 412 ? "Reload" : "Try again") : null,
  );
}

/** A place that fills itself: loading words, then the content, or the error with a way to try again. */
export function pending(what: string, make: () => Promise<Child>): HTMLElement {
  const place = h("div", { class: "pending", "aria-busy": "true" });
  const run = (): void => {
    place.replaceChildren(loading(what));
    place.setAttribute("aria-busy", "true");
    make()
      .then((child) => place.replaceChildren(...(child instanceof Node ? [child] : [h("div", {}, child)])))
      .catch((error: unknown) => {
        if (!(error instanceof DOMException && error.name === "AbortError")) place.replaceChildren(failed(error, run));
      })
      .finally(() => place.removeAttribute("aria-busy"));
  };
  run();
  return place;
}
