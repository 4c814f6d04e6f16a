// How traffic is split: a bar of shares, each with its name beside its figure.

interface Props {
  parts: { label: string; share: number }[]; // shares in 0…1 or weights: they are put in relation to their sum
  label?: string;
}

/** Split draws the shares in the order given; what has no share is named, too. */
export function Split({ parts, label }: Props) {
  const sum = parts.reduce((s, p) => s + Math.max(0, p.share), 0);
  const share = (v: number) => (sum > 0 ? Math.max(0, v) / sum : 0);
  const word = (v: number) => {
    const p = share(v) * 100;
    return `${p > 0 && p < 1 ? p.toFixed(1) : Math.round(p)} %`;
  };
  return (
    <div class="chart-split" role="group" aria-label={label ?? "Traffic"}>
      <div class="chart-split-bar" aria-hidden="true">
        {parts.map((p, i) => share(p.share) > 0 && <i key={i} style={{ flexGrow: share(p.share), background: `var(--series-${(i % 8) + 1})` }} />)}
      </div>
      <ul class="chart-split-names">
        {parts.map((p, i) => (
          <li key={i}>
            <i aria-hidden="true" style={{ background: `var(--series-${(i % 8) + 1})` }} />
            <span title={p.label}>{p.label}</span> <b>{word(p.share)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
