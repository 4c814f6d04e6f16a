// Numbers in styles are pixels: Preact 11 hands them to the browser as they are,
// and a browser ignores a length without a unit.
import { options } from "preact";

const plain = new Set(["opacity", "zIndex", "flex", "flexGrow", "flexShrink", "order", "fontWeight", "lineHeight", "gridRow", "gridColumn", "gridRowStart", "gridColumnStart", "columnCount", "zoom", "strokeWidth", "fillOpacity", "strokeOpacity", "tabSize"]);

/** startLengths makes numbers in styles pixels, from the next node on. */
export function startLengths(): void {
  const before = options.vnode;
  options.vnode = (node) => {
    if (typeof node.type === "string") {
      const props = node.props as { style?: unknown };
      if (typeof props.style === "object" && props.style !== null) props.style = pixels(props.style as Record<string, unknown>);
    }
    before?.(node);
  };
}

function pixels(style: Record<string, unknown>): Record<string, unknown> {
  let out = style;
  for (const name in style) {
    const value = style[name];
    if (typeof value !== "number" || value === 0 || plain.has(name) || name.startsWith("--")) continue;
    if (out === style) out = { ...style };
    out[name] = `${value}px`;
  }
  return out;
}
