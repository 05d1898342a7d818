/** Light, dark, or as the system prefers; kept in this browser only. */

export type Theme = "auto" | "light" | "dark";
const KEY = "gemel.theme";
const preferred = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function apply(chosen: Theme = theme()): void {
  const shown = chosen === "auto" ? (preferred.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset["theme"] = shown;
}

export function choose(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  apply(chosen);
  dispatchEvent(new Event("themechange"));
}

export function watch(): void {
  preferred.addEventListener("change", () => {
    apply();
    dispatchEvent(new Event("themechange"));
  });
}
