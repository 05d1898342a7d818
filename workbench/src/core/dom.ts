/** Elements without a framework: `h` for HTML, `s` for SVG. No markup from strings, no inline style attribute: the page's CSP allows neither. */

export type Child = Node | string | number | null | undefined | false | readonly Child[];
type Value = string | number | boolean | null | undefined | EventListener | Readonly<Record<string, string>>;
export type Props = Readonly<Record<string, Value>>;

const SVG = "http://www.w3.org/2000/svg";

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function s<K extends keyof SVGElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), props, children);
}

export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) parent.appendChild(child);
    else if (typeof child === "object") append(parent, child);
    else parent.appendChild(document.createTextNode(String(child)));
  }
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

function fill<E extends HTMLElement | SVGElement>(element: E, props: Props, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  append(element, children);
  return element;
}

function set(element: HTMLElement | SVGElement, name: string, value: Value): void {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
  else if (typeof value === "object") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
  else if (name === "value" && "value" in element) element.value = String(value);
  else element.setAttribute(name, value === true ? "" : String(value));
}
