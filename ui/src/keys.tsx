// Keys: off inside inputs, off altogether for those who say so.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { go } from "./router";

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

function setKeys(on: boolean): void {
  keysOn.value = on;
  try {
    if (on) localStorage.removeItem(stored);
    else localStorage.setItem(stored, "off");
  } catch {
    // A browser that stores nothing keeps the choice until the page is closed.
  }
}

/** startKeys listens for keys until the returned function is called. */
export function startKeys(openSheet: () => void): () => void {
  let first = ""; // of a sequence of two
  let at = 0;
  const press = (e: KeyboardEvent) => {
    const inside = e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable], dialog");
    if (!keysOn.value || inside || e.metaKey || e.ctrlKey || e.altKey || e.defaultPrevented) return;
    if (e.key === "?") {
      e.preventDefault();
      openSheet();
    } else if (e.key === "o" && first === "g" && e.timeStamp - at < 1_000) {
      go("");
    }
    first = e.key;
    at = e.timeStamp;
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

/** KeySheet lists the keys; focus goes back to where it was when it closes. */
export function KeySheet({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="keys" onClose={close}>
      <h2 id="keys">Keys</h2>
      <dl class="keys">
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>this sheet</dd>
        </div>
        <div>
          <dt>
            <kbd>g</kbd> <kbd>o</kbd>
          </dt>
          <dd>overview</dd>
        </div>
        <div>
          <dt>
            <kbd>←</kbd> <kbd>→</kbd> <kbd>Home</kbd> <kbd>End</kbd>
          </dt>
          <dd>from window to window, in a chart</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>step back</dd>
        </div>
      </dl>
      <label class="check">
        <input type="checkbox" checked={keysOn.value} onChange={(e) => setKeys(e.currentTarget.checked)} />
        Single keys are on
      </label>
      <form method="dialog">
        <button class="primary">Close</button>
      </form>
    </dialog>
  );
}
