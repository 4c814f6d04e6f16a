// Turns tokens.json into the custom properties that the style sheets use.

/** tokensCSS writes the style sheet of a set of tokens. */
export function tokensCSS(tokens) {
  const lines = [];
  const pair = ([light, dark]) => `light-dark(${light}, ${dark})`;
  for (const [name, value] of Object.entries(tokens.color)) lines.push(`--${name}: ${pair(value)};`);
  tokens.series.forEach((value, i) => lines.push(`--series-${i + 1}: ${pair(value)};`));
  for (const [name, [size, line, weight, spacing]] of Object.entries(tokens.type)) {
    lines.push(`--${name}: ${weight} ${size}/${line} var(--sans);`, `--${name}-spacing: ${spacing};`);
  }
  for (const n of tokens.space) lines.push(`--s${n}: ${n}px;`);
  for (const [name, n] of Object.entries(tokens.radius)) lines.push(`--radius-${name}: ${n}px;`);
  for (const [name, n] of Object.entries(tokens.height)) lines.push(`--height-${name}: ${n}px;`);
  return `:root {\n  color-scheme: light dark;\n  ${lines.join("\n  ")}\n}\n`;
}
