// Words and figures of the pages of pipelines.
export { duration, plural } from "../format";

/** percent writes a share: 98 %; what is not all of it is never 100 %. */
export function percent(share: number): string {
  const whole = Math.round(share * 100);
  if (whole === 100 && share < 1) return "> 99 %";
  if (whole === 0 && share > 0) return "< 1 %";
  return `${whole} %`;
}

/** short cuts a digest to what people compare. */
export function short(digest: string | undefined): string {
  return (digest ?? "").replace(/^sha256:/, "").slice(0, 12);
}

/** plain takes the colours and other control sequences out of what a program printed. */
export function plain(text: string | undefined): string {
  // eslint-disable-next-line no-control-regex
  return (text ?? "").replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f]/g, "");
}
