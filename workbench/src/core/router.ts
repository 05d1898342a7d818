/** Every state is a URL: `#/twins/ID/images?t=…&at=…`. Going to a page makes a history entry; moving a slider changes the one there is. */

export interface Place {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

export function href(path: readonly string[], query: Readonly<Record<string, string | null | undefined>> = {}): string {
  const kept = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null && pair[1] !== undefined && pair[1] !== "");
  const tail = kept.length ? `?${new URLSearchParams(kept)}` : "";
  return `#/${path.map(encodeURIComponent).join("/")}${tail}`;
}

export function here(): Place {
  return parse(location.hash);
}

export function go(target: string): void {
  location.hash = target;
}

/** Writes the state of a view into the URL without a new history entry; null takes a name away. */
export function keep(changes: Readonly<Record<string, string | null>>): void {
  const place = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") place.query.delete(name);
    else place.query.set(name, value);
  }
  history.replaceState(history.state, "", href(place.path, Object.fromEntries(place.query)));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
