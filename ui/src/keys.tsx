// Keys: off inside inputs, off altogether for those who say so.
import { signal } from "@preact/signals";
import { Dialog } from "./dialog";
import { pageOf, rail } from "./pages";
import { go } from "./router";

/** KeyBinding is a key, or two after another ("g o"), and what it does. */
export interface KeyBinding {
  keys: string;
  text: string;
  run: () => void;
}

const stored = "trimtab.keys";

function wanted(): boolean {
  try {
    return localStorage.getItem(stored) !== "off";
  } catch {
    return true;
  }
}

/** keysOn says whether single keys do something. */
export const keysOn = signal(wanted());

/** setKeys turns single keys on or off, and remembers it where the browser allows. */
export function setKeys(on: boolean): void {
  keysOn.value = on;
  try {
    if (on) localStorage.removeItem(stored);
    else localStorage.setItem(stored, "off");
  } catch {
    // A browser that stores nothing keeps the choice until the page is closed.
  }
}

const registered = signal<KeyBinding[][]>([]);

/** registerKeys adds keys of a page until the returned function is called. */
export function registerKeys(keys: KeyBinding[]): () => void {
  if (keys.length === 0) return () => {};
  registered.value = [...registered.peek(), keys];
  return () => (registered.value = registered.peek().filter((k) => k !== keys));
}

const everywhere: KeyBinding[] = rail.flatMap((group) => group.lines.map((line) => ({ keys: `g ${line.key}`, text: line.text, run: () => go(pageOf(line.area)) })));

/** rows moves the focus to the next or the last of the lines of a list. */
function rows(step: number): void {
  const all = [...document.querySelectorAll<HTMLElement>("[data-row]")].filter((e) => e.offsetParent !== null);
  if (all.length === 0) return;
  const at = all.findIndex((e) => e === document.activeElement || e.closest("tr, li, [role=row]")?.contains(document.activeElement));
  const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  all[to]?.focus();
  all[to]?.scrollIntoView({ block: "nearest" });
}

/** startKeys listens for keys until the returned function is called. */
export function startKeys(openSheet: () => void, openPalette: () => void): () => void {
  let first = ""; // of a sequence of two
  let at = 0;
  const press = (e: KeyboardEvent) => {
    if ((e.metaKey || e.ctrlKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k") {
      e.preventDefault();
      openPalette();
      return;
    }
    const inside = e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable], dialog, [role=menu]");
    if (!keysOn.value || inside || e.metaKey || e.ctrlKey || e.altKey || e.defaultPrevented) return;
    const two = first !== "" && e.timeStamp - at < 1_000 ? `${first} ${e.key}` : "";
    first = e.key;
    at = e.timeStamp;
    if (e.key === "?") {
      e.preventDefault();
      openSheet();
      return;
    }
    // The newest page's keys come first: a panel's own before those of the page below it.
    const all = [...registered.peek().flat().reverse(), ...everywhere];
    const hit = (two && all.find((k) => k.keys === two)) || (two === "" || !two.startsWith("g ") ? all.find((k) => k.keys === e.key) : undefined);
    if (hit) {
      e.preventDefault();
      first = "";
      hit.run();
    } else if (e.key === "j" || e.key === "k") rows(e.key === "j" ? 1 : -1);
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

/** KeySheet lists the keys, those of the page first. */
export function KeySheet({ close }: { close: () => void }) {
  const own = registered.value.flat();
  return (
    <Dialog title="Keys" close={close} wide>
      <div class="key-groups">
        {own.length > 0 && <Group title="This page" keys={own.map((k) => [k.keys, k.text])} />}
        <Group
          title="Everywhere"
          keys={[
            ["⌘ K", "find a page, an object, an action (or Ctrl K)"],
            ["?", "this sheet"],
            ["j k", "next and previous line of a list"],
            ["Enter", "open the line"],
            ["← → Home End", "from window to window, in a chart"],
            ["Esc", "step back"],
          ]}
        />
        <Group title="Go to" keys={everywhere.map((k) => [k.keys, k.text])} />
      </div>
      <label class="check">
        <input type="checkbox" checked={keysOn.value} onChange={(e) => setKeys(e.currentTarget.checked)} />
        Single keys are on
      </label>
      <form method="dialog">
        <button class="primary">Close</button>
      </form>
    </Dialog>
  );
}

function Group({ title, keys }: { title: string; keys: [string, string][] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="keys">
        {keys.map(([k, text]) => (
          <div key={k}>
            <dt>
              {k.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
