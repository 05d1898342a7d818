/** Who may come in: one's own tokens; for those who administer, accounts; for auditors, who did what. */

import { get, maybe, send } from "../api/client.ts";
import { h, replace, type Child } from "../core/dom.ts";
import { when } from "../core/format.ts";
import { keep, type Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { csv, save, tool } from "../ui/download.ts";
import { empty, failed, pending } from "../ui/state.ts";
import { table } from "../ui/table.ts";
import type { Context, Page } from "./table.ts";

interface User {
  readonly name: string;
  readonly roles: readonly string[];
  readonly origin: string;
  readonly has_password: boolean;
}

interface Token {
  readonly id: string;
  readonly title: string;
  readonly scopes: readonly string[];
  readonly until: string;
  readonly token: string;
}

interface Audited {
  readonly number: number;
  readonly at: string;
  readonly user: string;
  readonly action: string;
  readonly outcome: string;
  readonly subjects: readonly string[];
  readonly purpose: string;
  readonly by: string;
  readonly place: string;
  readonly detail: string;
}

const ROLES = ["viewer", "physicist", "physician", "modeller", "admin", "auditor"];
const AUDIT_ROWS = 200;

export async function access(place: Place, context: Context): Promise<Page> {
  const users = await maybe<readonly User[]>("/api/users", context.signal);
  const audit = await maybe<{ readonly rows: readonly Audited[] }>("/api/audit?limit=1", context.signal);
  const body = h("div", { class: "stack" }, tokens(context), users ? accounts(users, context) : null, audit ? log(place, context) : null);
  const note = h("p", { class: "note" }, `You are ${context.session.user}: ${context.session.roles.join(", ") || "no role"}. What is not shown here, your roles or the chosen purpose of use do not allow.`);
  return ["Access", h("div", { class: "page", "data-testid": "page-access" }, h("div", { class: "title" }, h("h1", {}, "Access")), note, body)];
}

/** A list that is read again after each change; what went wrong stands above it. */
function editable<T>(what: string, read: () => Promise<T>, draw: (found: T, change: (doing: () => Promise<unknown>) => void) => Child): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const held = h("div", {});
  const show = (): void => replace(held, pending(what, async () => h("div", {}, draw(await read(), change))));
  const change = (doing: () => Promise<unknown>): void => {
    replace(said);
    doing().then(show, (error: unknown) => replace(said, failed(error)));
  };
  show();
  return h("div", {}, said, held);
}

function remover(what: string, remove: () => void): HTMLElement {
  const button = h("button", { type: "button", class: "small", "aria-label": `Remove ${what}` }, "Remove");
  button.addEventListener("click", () => {
    if (button.classList.contains("danger")) return remove();
    button.classList.add("danger");
    button.textContent = "Really remove";
    button.setAttribute("aria-label", `Really remove ${what}`);
  });
  button.addEventListener("blur", () => {
    button.classList.remove("danger");
    button.textContent = "Remove";
  });
  return button;
}

function tokens(context: Context): HTMLElement {
  const fresh = h("div", { "aria-live": "polite" });
  const list = editable("your tokens", () => get<readonly Token[]>("/api/tokens", context.signal), (found, change) => {
    const title = h("input", { id: "token-title", placeholder: "what it is for", "data-testid": "token-title", autocomplete: "off" });
    const scopes = h("input", { id: "token-scopes", value: "twins:read", required: true, "data-testid": "token-scopes", autocomplete: "off" });
    const days = h("input", { id: "token-days", type: "number", min: 1, max: 366, value: 90 });
    const make = (event: Event): void => {
      event.preventDefault();
      change(async () => {
        const made = await send<Token>("POST", "/api/tokens", { title: title.value.trim(), scopes: scopes.value.split(/[\s,]+/).filter(Boolean), days: Number(days.value) });
        replace(fresh, h("div", { class: "state", role: "status" }, h("strong", {}, "The token, shown this once"), h("code", { "data-testid": "token" }, made.token), h("p", {}, "Keep it where a password would be kept. It goes with a request as ", h("code", {}, "Authorization: Bearer …"), ".")));
      });
    };
    const rows = found.length
      ? table<Token>("Your tokens", [
          { title: "For", key: true, cell: (t) => t.title || "no title" },
          { title: "Scopes", cell: (t) => t.scopes.join(" ") },
          { title: "Until", cell: (t) => when(t.until) },
          { title: "", cell: (t) => remover(`the token ${t.title || t.id}`, () => change(() => send("DELETE", `/api/tokens/${encodeURIComponent(t.id)}`, undefined))) },
        ], found, { id: "tokens-table" })
      : empty("You have no token", "Scripts and agents sign in with one; it can do no more than you may.");
    return [rows, h("form", { class: "bar", onsubmit: make, "data-testid": "token-form" }, h("label", { for: "token-title" }, "For"), title, h("label", { for: "token-scopes" }, "Scopes"), scopes, h("label", { for: "token-days" }, "Days"), days, h("button", { "data-testid": "token-make" }, "Make a token"))];
  });
  return card("Your tokens", { id: "tokens" }, fresh, list);
}

function accounts(first: readonly User[], context: Context): HTMLElement {
  let given: readonly User[] | null = first;
  const read = async (): Promise<readonly User[]> => {
    const found = given ?? (await get<readonly User[]>("/api/users", context.signal));
    given = null;
    return found;
  };
  return card("Accounts", { id: "accounts", note: "A role says what somebody may do; a care relationship, on whom" }, editable("the accounts", read, (found, change) => [
    table<User>("Accounts", [
      { title: "Name", key: true, cell: (u) => u.name },
      { title: "Roles", cell: (u) => u.roles.join(", ") || chip("none", "warn") },
      { title: "Comes from", cell: (u) => u.origin },
      { title: "Password", cell: (u) => (u.has_password ? "yes" : "no") },
      { title: "", cell: (u) => (u.name === context.session.user ? null : remover(`the account ${u.name}`, () => change(() => send("DELETE", `/api/users/${encodeURIComponent(u.name)}`, undefined)))) },
    ], found, { id: "users-table" }),
    adding(change),
  ]));
}

function adding(change: (doing: () => Promise<unknown>) => void): HTMLElement {
  const name = h("input", { id: "user-name", required: true, maxlength: 64, autocomplete: "off", "data-testid": "user-name" });
  const password = h("input", { id: "user-password", type: "password", autocomplete: "new-password", "data-testid": "user-password" });
  const roles = ROLES.map((role) => h("input", { type: "checkbox", name: "role", value: role, "data-testid": `role-${role}` }));
  const add = (event: Event): void => {
    event.preventDefault();
    change(() => send("POST", "/api/users", { name: name.value.trim(), password: password.value, roles: roles.filter((r) => r.checked).map((r) => r.value) }));
  };
  return h("form", { onsubmit: add, "data-testid": "user-form" }, h("h3", {}, "Add an account"), h("div", { class: "bar" }, h("label", { for: "user-name" }, "Name"), name, h("label", { for: "user-password" }, "Password"), password), h("fieldset", {}, h("legend", {}, "Roles"), h("div", { class: "radios" }, roles.map((box, i) => h("label", { class: "check" }, box, ROLES[i] ?? "")))), h("div", { class: "bar" }, h("button", { "data-testid": "user-add" }, "Add")));
}

function log(place: Place, context: Context): HTMLElement {
  const fields = (["user", "patient", "since", "until"] as const).map((name) => h("input", { id: `audit-${name}`, name, value: place.query.get(name) ?? "", size: name === "patient" ? 20 : 14, placeholder: { user: "name", patient: "subject key", since: "2026-03-01", until: "2026-03-08" }[name], autocomplete: "off", "data-testid": `audit-${name}` }));
  const held = h("div", {});
  const show = (): void => {
    const asked = Object.fromEntries(fields.map((field) => [field.name, field.value.trim() || null]));
    keep(asked);
    const query = new URLSearchParams(Object.entries({ ...asked, limit: String(AUDIT_ROWS) }).filter((pair): pair is [string, string] => pair[1] !== null));
    replace(held, pending("the audit log", async () => audited((await get<{ readonly rows: readonly Audited[] }>(`/api/audit?${query}`, context.signal)).rows)));
  };
  show();
  const ask = (event: Event): void => {
    event.preventDefault();
    show();
  };
  return card("Audit log", { id: "audit", note: `The newest ${AUDIT_ROWS} rows that match; every read of patient data is one` }, h("form", { class: "bar", onsubmit: ask, "data-testid": "audit-form" }, fields.map((field) => [h("label", { for: field.id }, field.name.replace(/^./, (c) => c.toUpperCase())), field]), h("button", { "data-testid": "audit-ask" }, "Show")), held);
}

function audited(rows: readonly Audited[]): HTMLElement {
  if (!rows.length) return empty("No row matches", "Shorten the name, or widen the time.");
  const take = tool("CSV", "These rows as CSV", () => save("audit.csv", csv(["number", "at", "user", "action", "outcome", "subjects", "purpose", "by", "place", "detail"], rows.map((r) => [r.number, r.at, r.user, r.action, r.outcome, r.subjects.join(" "), r.purpose, r.by, r.place, r.detail]))));
  return h("div", {}, take, table<Audited>("Audit log", [
    { title: "When", key: true, cell: (r) => when(r.at) },
    { title: "Who", cell: (r) => r.user || "nobody" },
    { title: "Did", cell: (r) => r.action },
    { title: "Outcome", cell: (r) => r.outcome },
    { title: "Of", cell: (r) => h("span", { class: "mono", title: r.subjects.join(" ") }, r.subjects.map((s) => s.slice(0, 10)).join(" ")) },
    { title: "Purpose", cell: (r) => r.purpose },
    { title: "By", cell: (r) => r.by },
    { title: "Where", cell: (r) => h("span", { class: "mono muted" }, r.place) },
    { title: "Detail", cell: (r) => r.detail },
  ], rows, { id: "audit-table" }));
}
