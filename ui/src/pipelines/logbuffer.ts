// What a step printed, kept so that a million lines are no trouble: blocks of text
// with the places of their lines, and no string per line.

interface Block {
  text: string;
  starts: Int32Array; // where its lines begin
  first: number; // number of its first line
}

const blockSize = 1 << 16; // characters
const mostCharacters = 400_000_000; // beyond that the rest is for the download

// All control sequences but those that choose colours.
// eslint-disable-next-line no-control-regex
const control = /\x1b\[[0-9;?]*[ -/]*(?:[@-ln-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|[\x00-\x08\x0b\x0c\x0e-\x1a]/g;

/** LogBuffer takes text as it comes and gives lines by their number. */
export class LogBuffer {
  private blocks: Block[] = [];
  private open = ""; // whole lines that are no block yet
  private partial = ""; // the line that has not ended
  private size = 0;
  private openLines: string[] | undefined;
  /** full says that there was more than is kept. */
  full = false;

  /** add takes the next text. */
  add(text: string): void {
    if (this.full || text === "") return;
    this.size += text.length;
    if (this.size > mostCharacters) {
      this.full = true;
      return;
    }
    const all = this.partial + text;
    const cut = all.lastIndexOf("\n") + 1;
    this.partial = all.slice(cut);
    if (cut === 0) return;
    this.openLines = undefined;
    this.open += all.slice(0, cut).replace(control, "");
    if (this.open.length >= blockSize) this.close();
  }

  private close(): void {
    const text = this.open;
    const starts: number[] = [];
    for (let at = 0; at < text.length; ) {
      starts.push(at);
      at = text.indexOf("\n", at) + 1;
    }
    this.blocks.push({ text, starts: Int32Array.from(starts), first: this.closed });
    this.open = "";
  }

  private get closed(): number {
    const last = this.blocks.at(-1);
    return last ? last.first + last.starts.length : 0;
  }

  private get rest(): string[] {
    if (!this.openLines) {
      this.openLines = this.open.split("\n");
      this.openLines.pop();
    }
    return this.openLines;
  }

  /** lines is how many there are, the one that has not ended included. */
  get lines(): number {
    return this.closed + this.rest.length + (this.partial === "" ? 0 : 1);
  }

  /** line gives a line by its number, from 0, as a terminal would show it: what a carriage return overwrote is gone. */
  line(n: number): string {
    return shown(this.raw(n));
  }

  private raw(n: number): string {
    const closed = this.closed;
    if (n >= closed) return this.rest[n - closed] ?? this.partial.replace(control, "");
    let lo = 0;
    let hi = this.blocks.length - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if ((this.blocks[mid] as Block).first <= n) lo = mid;
      else hi = mid - 1;
    }
    const b = this.blocks[lo] as Block;
    const at = b.starts[n - b.first] as number;
    const end = b.starts[n - b.first + 1] ?? b.text.length;
    return b.text.slice(at, end - 1);
  }

  /** find gives the numbers of lines that hold a text, whatever the case, at most most. It gives way to the page now and then. */
  async find(text: string, most: number, stop: () => boolean): Promise<number[]> {
    const wanted = text.toLowerCase();
    const out: number[] = [];
    for (const [i, b] of this.blocks.entries()) {
      if (i % 64 === 63) await new Promise((r) => setTimeout(r));
      if (stop() || out.length >= most) return out;
      const low = b.text.toLowerCase();
      for (let at = low.indexOf(wanted), line = 0; at >= 0 && out.length < most; ) {
        while (line + 1 < b.starts.length && (b.starts[line + 1] as number) <= at) line++;
        out.push(b.first + line);
        at = low.indexOf(wanted, b.starts[line + 1] ?? low.length);
      }
    }
    const from = this.closed;
    for (let n = from; n < this.lines && out.length < most; n++) if (this.raw(n).toLowerCase().includes(wanted)) out.push(n);
    return out;
  }
}

const longest = 4_000; // characters of a line that are shown

function shown(line: string): string {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  const last = whole.slice(whole.lastIndexOf("\r") + 1);
  return last.length > longest ? `${last.slice(0, longest)}… ${(last.length - longest).toLocaleString("en-US")} characters more` : last;
}

/** Piece is a part of a line with one look. */
export interface Piece {
  text: string;
  look: string; // classes, "" for none
}

const colours: Record<number, string> = { 31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan", 91: "red", 92: "green", 93: "yellow", 94: "blue", 95: "magenta", 96: "cyan", 90: "grey" };

/** piecesOf splits a line at its colours. */
export function piecesOf(line: string): Piece[] {
  if (!line.includes("\x1b")) return [{ text: line, look: "" }];
  const out: Piece[] = [];
  let colour = "";
  let bold = false;
  // eslint-disable-next-line no-control-regex
  for (const [i, part] of line.split(/\x1b\[([0-9;]*)m/).entries()) {
    if (i % 2 === 0) {
      if (part !== "") out.push({ text: part, look: [colour, bold ? "bold" : ""].filter(Boolean).join(" ") });
      continue;
    }
    for (const code of (part || "0").split(";").map(Number)) {
      if (code === 0) [colour, bold] = ["", false];
      else if (code === 1) bold = true;
      else if (code === 22) bold = false;
      else if (code === 39) colour = "";
      else if (colours[code]) colour = colours[code];
    }
  }
  return out;
}
