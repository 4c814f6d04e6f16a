// What can be copied of a page: the same as a request, a command, a declaration.
import { useEffect, useState } from "preact/hooks";
import { Menu, toast } from "./dialog";

/** copyText copies a text and says whether that went well. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** CopyButton copies a text. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button type="button" class="quiet" onClick={async () => setCopied(await copyText(text))}>
      {copied ? "Copied" : label}
    </button>
  );
}

/** CopyOf is what a page is as a request, a command and a declaration. */
export interface CopyOf {
  curl?: { url: string; method?: string; body?: unknown };
  cli?: string;
  yaml?: () => string | Promise<string>;
}

/** CopyAs is the menu that copies a page. */
export function CopyAs({ of }: { of: CopyOf }) {
  const copied = async (what: string, text: string) => {
    if (await copyText(text)) toast(`Copied as ${what}`, "ok");
    else toast("The browser does not let this page write to the clipboard", "warn");
  };
  const items = [];
  if (of.curl) {
    const { url, method, body } = of.curl;
    items.push({ text: "curl", run: () => void copied("curl", curl(url, method, body)) });
  }
  if (of.cli !== undefined) {
    const cli = of.cli;
    items.push({ text: "CLI", run: () => void copied("CLI", cli) });
  }
  if (of.yaml) {
    const yaml = of.yaml;
    items.push({ text: "YAML", run: async () => copied("YAML", await yaml()) });
  }
  return <Menu text="Copy as" items={items} />;
}

/** curl writes a request as a command line that a POSIX shell reads back whole. */
export function curl(url: string, method = "GET", body?: unknown): string {
  const quoted = (s: string) => `'${s.replace(/'/g, `'\\''`)}'`;
  const parts = ["curl", "--fail-with-body"];
  if (method !== "GET") parts.push("-X", method);
  if (body !== undefined) parts.push("-H", quoted("Content-Type: application/json"), "-d", quoted(JSON.stringify(body)));
  return [...parts, quoted(url)].join(" ");
}
