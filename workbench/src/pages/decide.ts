/** Plans side by side: what each would do, how probable each limit is, what binds, why one is recommended; and a person's choice. */

import { get, maybe } from "../api/client.ts";
import type { Decision, Option, Readout, Twin } from "../api/types.ts";
import { chance, whisker } from "../charts/bars.ts";
import { figure } from "../charts/figure.ts";
import { scatter } from "../charts/scatter.ts";
import { h, type Child } from "../core/dom.ts";
import { interval, named, number, percent, plusMinus, pretty, unitOf, when } from "../core/format.ts";
import type { Place } from "../core/router.ts";
import { chip } from "../ui/badge.ts";
import { card } from "../ui/card.ts";
import { csv, fileName, save, tool } from "../ui/download.ts";
import { reload, run } from "../ui/job.ts";
import { empty, pending } from "../ui/state.ts";
import { table, type Column } from "../ui/table.ts";
import type { Context } from "./table.ts";

export async function decide(twin: Twin, _: Place, context: Context): Promise<HTMLElement> {
  const decision = await get<Decision | null>(`/api/twins/${encodeURIComponent(twin.id)}/decision`, context.signal);
  if (!decision) return h("div", { class: "stack" }, runner(twin, decision, context), pending("the plans", async () => undecided(twin, await plansOf(twin, context), context)));
  const chosen = pending("the plans that can be given", async () => choice(twin, decision, await plansOf(twin, context), context));
  return h("div", { class: "stack" }, head(decision), runner(twin, decision, context), options(decision), h("div", { class: "grid two" }, card("A person chooses", { id: "choice", note: "Recorded with your name; what then comes is held against it" }, chosen), front(decision, twin)), readouts(decision, twin));
}

async function plansOf(twin: Twin, context: Context): Promise<readonly string[]> {
  const found = await maybe<{ readonly plans: readonly string[] }>(`/api/twins/${encodeURIComponent(twin.id)}/plans`, context.signal);
  return found?.plans ?? [];
}

function undecided(twin: Twin, plans: readonly string[], context: Context): HTMLElement {
  if (plans.length) return empty("No decision was taken yet", "Run decide: every plan is forecast on the same draws of what the twin believes.");
  const place = h("div", {});
  const ahead = h("button", { type: "button", "data-testid": "run-prepare", onclick: () => void run(place, twin, "prepare", {}, context.signal) }, "Prepare plans ahead");
  return h("div", { class: "stack" }, empty("No decision was taken yet", "Decide ranks the plans there are; a system that makes plans ahead needs them first."), h("div", { class: "bar" }, ahead, place));
}

function head(decision: Decision): HTMLElement {
  return h(
    "section",
    { class: "card recommend", "aria-label": "Recommendation", "data-testid": "recommendation" },
    h("p", { class: "big" }, "Recommended: ", h("strong", {}, decision.recommended)),
    h("p", {}, sentence(decision.reason)),
    h("p", { class: "note" }, `Version ${decision.version}, ${when(decision.at)}, by ${decision.made_by}. A recommendation is not an order: a person chooses.`),
    decision.given ? h("p", {}, chip(`given: ${decision.given.plan}`, decision.given.plan === decision.recommended ? "good" : "warn"), ` by ${decision.given.actor}, ${when(decision.given.at)}${decision.given.note ? `: “${decision.given.note}”` : ""}`) : null,
    decision.deviations?.length ? h("div", { "data-testid": "deviations" }, h("h3", {}, "Today is not as forecast"), h("ul", { class: "list" }, decision.deviations.map((d) => h("li", {}, chip(percent(d.probability), "warn"), ` ${pretty(d.readout)}: probably ${d.cause.replaceAll("_", " ")}`)))) : null,
  );
}

function sentence(words: string): string {
  return words ? `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!]$/.test(words) ? "" : "."}` : "";
}

function runner(twin: Twin, decision: Decision | null, context: Context): HTMLElement {
  const place = h("div", {});
  const start = (): void => {
    button.disabled = true;
    void run(place, twin, "decide", {}, context.signal).finally(() => (button.disabled = false));
  };
  const button = h("button", { type: "button", class: decision ? "" : "primary", "data-testid": "run-decide", onclick: start }, decision ? "Decide again on today's belief" : "Decide");
  return h("div", { class: "bar" }, button, place);
}

function options(decision: Decision): HTMLElement {
  const [low, high] = [Math.min(...decision.options.map((o) => o.utility - 1.645 * o.utility_sd)), Math.max(...decision.options.map((o) => o.utility + 1.645 * o.utility_sd))];
  const asked = new Map(decision.limits.map((l) => [l.label, l.probability]));
  const limits = decision.limits.length ? decision.limits.map((l) => l.label) : Object.keys(decision.options[0]?.p_limits ?? {});
  const columns: Column<Option>[] = [
    { title: "Plan", key: true, cell: (o) => [o.name, o.name === decision.recommended ? [" ", chip("recommended", "good")] : null, o.feasible ? null : [" ", chip("breaks a limit", "bad")]] },
    { title: `Utility / ${decision.unit || "points"}`, number: true, cell: (o) => plusMinus(o.utility, o.utility_sd) },
    { title: "90 %", cell: (o) => whisker(o.utility, o.utility - 1.645 * o.utility_sd, o.utility + 1.645 * o.utility_sd, low, high) },
    { title: "P(best)", number: true, cell: (o) => [percent(o.p_best), " ", chance(o.p_best)] },
    ...limits.map((label): Column<Option> => ({ title: `P(${pretty(label)})`, number: true, cell: (o) => [percent(o.p_limits[label]), " ", chance(o.p_limits[label] ?? 0, asked.get(label))] })),
  ];
  return card("Plans side by side", { id: "options", note: "From best to worst; ± is the spread over what the twin holds possible; P(best) leaves the limits aside; the tick on a bar is the probability that is asked for" }, shortened(decision.options, 10, (rows) => table("Plans", columns, rows, { id: "options-table", mark: (o) => (o.name === decision.recommended ? "chosen" : "") }), "plans"), binding(decision));
}

/** What binds: a limit that rules out a plan of higher utility than the recommended one; a broken one before all. */
function binding(decision: Decision): HTMLElement {
  const best = decision.options.find((o) => o.name === decision.recommended);
  const better = decision.options.filter((o) => best && o.utility > best.utility);
  const said = decision.limits.map((l) => {
    const p = best?.p_limits[l.label] ?? Number.NaN;
    const out = better.filter((o) => (o.p_limits[l.label] ?? 1) < l.probability);
    const [kind, words] = p < l.probability ? (["bad", "broken"] as const) : out.length ? (["warn", "binds"] as const) : (["good", "met"] as const);
    const why = out.length ? `; rules out ${listed(out.map((o) => o.name))}, which would score higher` : "";
    return h("li", {}, chip(words, kind), ` ${pretty(l.label)}: ${percent(p)} of ${percent(l.probability)} asked${why}`);
  });
  return h("div", { class: "below", "data-testid": "binding" }, h("h3", {}, "What binds"), said.length ? h("ul", { class: "list" }, said) : h("p", { class: "note" }, "No limit is set; the plan of the highest expected utility leads."));
}

function listed(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join("; ")} and ${names.length - 3} more` : names.join("; ");
}

/** The first rows, and a button for the rest. */
function shortened<T>(rows: readonly T[], few: number, draw: (rows: readonly T[]) => HTMLElement, what: string): HTMLElement {
  if (rows.length <= few) return draw(rows);
  const place = h("div", {}, draw(rows.slice(0, few)));
  const more = h("button", { type: "button", class: "small", onclick: () => place.replaceChildren(draw(rows)) }, `Show all ${rows.length} ${what}`);
  place.append(more);
  return place;
}

function front(decision: Decision, twin: Twin): HTMLElement | null {
  const labels = (decision.front_labels.length ? decision.front_labels : ["x", "y"]).map(pretty);
  if (decision.front.length < 2) return null;
  const dots = decision.front.map((d) => ({ ...d, strong: d.name === decision.recommended }));
  const drawing = scatter(`Trade-off: ${labels.join(" against ")}`, dots, labels, false);
  return card("Trade-off", { id: "front", note: "Each point is a plan, the recommended one larger; Table names them all" }, figure("Trade-off front", twin.title || twin.id, drawing, ["plan", ...labels], decision.front.map((d) => [d.name, d.x, d.y])));
}

function choice(twin: Twin, decision: Decision, plans: readonly string[], context: Context): HTMLElement {
  const names = plans.length ? plans : decision.options.map((o) => o.name);
  const note = h("textarea", { id: "note", rows: 3, placeholder: "why this one", "data-testid": "note" });
  const many = names.length > 12;
  const radios = names.map((name) => h("label", { class: "radio" }, h("input", { type: "radio", name: "plan", value: name, checked: name === decision.recommended, "data-testid": `plan-${name}` }), name, name === decision.recommended ? h("span", { class: "muted" }, " recommended") : null));
  const select = h("select", { name: "plan", "aria-label": "Plan that is given", "data-testid": "plan" }, names.map((name) => h("option", { value: name, selected: name === decision.recommended }, name === decision.recommended ? `${name} (recommended)` : name)));
  const place = h("div", {});
  const another = h("input", { type: "checkbox", id: "another", "data-testid": "another" });
  const give = (event: Event): void => {
    event.preventDefault();
    const plan = new FormData(form).get("plan");
    if (typeof plan !== "string") return;
    if (plan !== decision.recommended && !note.value.trim()) {
      note.setCustomValidity("Say why another plan than the recommended one");
      note.reportValidity();
      return;
    }
    button.disabled = true;
    void run(place, twin, "act", { plan, note: note.value.trim(), another: another.checked }, context.signal).then((well) => (well ? reload() : (button.disabled = false)));
  };
  note.addEventListener("input", () => note.setCustomValidity(""));
  const button = h("button", { class: "primary", "data-testid": "act" }, "Record my choice");
  const form = h("form", { onsubmit: give }, h("fieldset", {}, h("legend", {}, "Plan that is given"), h("div", { class: "radios" }, many ? select : radios)), h("label", { for: "note" }, "Note"), note, decision.given ? h("label", { class: "check", for: "another" }, another, "another part on the same scan: one was given on it already") : null, h("div", { class: "bar" }, button, h("span", { class: "note" }, `as ${context.session.user}`)), place);
  return form;
}

function readouts(decision: Decision, twin: Twin): HTMLElement | null {
  const names = [...new Set(Object.values(decision.readouts).flatMap((r) => Object.keys(r)))];
  const plans = decision.options.map((o) => o.name).filter((name) => decision.readouts[name]);
  if (!names.length || !plans.length) return null;
  const of = (plan: string, name: string): Readout | undefined => decision.readouts[plan]?.[name];
  const scale = (name: string): [number, number] => {
    const all = plans.flatMap((p) => { const r = of(p, name); return r ? [r.low, r.high] : []; });
    return [Math.min(...all), Math.max(...all)];
  };
  const cell = (plan: string, name: string): Child => {
    const r = of(plan, name);
    return r ? h("span", { class: "reading", title: interval(r.low, r.high) }, h("span", {}, number(r.median)), whisker(r.median, r.low, r.high, ...scale(name))) : "–";
  };
  const unit = (name: string): string => unitOf(plans.map((p) => of(p, name)?.unit).find(Boolean) ?? named(name)[1]);
  const drawn = (shown: readonly string[]): HTMLElement => table("Readouts by plan", [
    { title: "Readout", key: true, cell: (name) => named(name)[0] },
    { title: "Unit", cell: unit },
    ...shown.map((plan): Column<string> => ({ title: plan, number: true, cell: (name) => cell(plan, name) })),
  ], names, { id: "readouts-table" });
  const rows = names.flatMap((name) => plans.map((plan) => { const r = of(plan, name); return [name, unit(name), plan, r?.median ?? null, r?.low ?? null, r?.high ?? null]; }));
  const take = tool("CSV", "All readouts as CSV", () => save(`${fileName(twin.id, "readouts")}.csv`, csv(["readout", "unit", "plan", "median", "low", "high"], rows)));
  return card("What each plan would do", { wide: true, id: "readouts", tools: take, note: "Median, and the 90 % interval as a bar on one scale a row" }, shortened(plans, 5, drawn, "plans"));
}
