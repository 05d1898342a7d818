/** Signing in: a one-time link, a local account, or the hospital's own sign-in. */

import { Problem, send, url } from "../api/client.ts";
import type { Session, Ways } from "../api/types.ts";
import { h, replace } from "../core/dom.ts";

const WHY: Readonly<Record<string, string>> = {
  expired: "This sign-in link was used already or has expired. A new one comes from the terminal where the server runs; how, it says below.",
  oidc: "The sign-in of your organisation did not end well. Try again, or ask your administrator whether you have an account.",
  idle: "You were signed out because nothing happened for a while.",
};

export function signIn(why: string, ways: Ways | null): HTMLElement {
  const told = WHY[why];
  return h(
    "div",
    { class: "signin", "data-testid": "signin" },
    h("h1", {}, "Sign in"),
    told ? h("div", { class: "state error", role: "alert", "data-testid": "signin-why" }, told) : null,
    ways?.provider ? h("a", { class: "button primary", href: url(ways.provider), "data-testid": "signin-oidc" }, "Sign in with your organisation") : null,
    ways && !ways.password ? null : accountForm(),
    h("section", { class: "card" }, h("h2", {}, "Alone on this machine?"), h("p", {}, "No account is needed: open the link that ", h("code", {}, "gemel serve"), " printed in its terminal when it started. It works once; ", h("code", {}, "gemel user link"), " makes a new one."), h("p", { class: "muted" }, "For several people: ", h("code", {}, "gemel user add NAME"), " makes an account.")),
  );
}

function accountForm(): HTMLElement {
  const answer = h("div", { "aria-live": "assertive" });
  const user = h("input", { id: "user", name: "username", autocomplete: "username", required: true, "data-testid": "user" });
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password", required: true, "data-testid": "password" });
  const enter = async (event: Event): Promise<void> => {
    event.preventDefault();
    replace(answer, h("p", { role: "status" }, "Signing in …"));
    try {
      await send<Session>("POST", "/api/session", { user: user.value, password: password.value });
      location.replace(new URL(location.hash.startsWith("#/signin") ? "./" : `./${location.hash}`, document.baseURI));
      location.reload();
    } catch (error) {
      replace(answer, h("div", { class: "state error", role: "alert" }, words(error)));
      password.value = "";
      password.focus();
    }
  };
  return h(
    "form",
    { class: "card", onsubmit: (event: Event) => void enter(event), "data-testid": "account-form" },
    h("h2", {}, "With an account"),
    h("label", { for: "user" }, "Name"),
    user,
    h("label", { for: "password" }, "Password"),
    password,
    answer,
    h("button", { class: "primary", "data-testid": "sign-in" }, "Sign in"),
  );
}

function words(error: unknown): string {
  if (!(error instanceof Problem)) return String(error);
  if (error.status === 401) return error.detail || "Name and password do not go together. Try again; after several failures you will have to wait.";
  return [error.title, error.detail, error.remedy].filter(Boolean).join(". ");
}
