// What lies over a page: dialogs, menus, short messages. Focus returns to where
// it was when one closes.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Problem } from "./query";
import { Shape, type Tone } from "./shapes";

/** Dialog is a modal dialog; Esc closes it. */
export function Dialog({ title, close, wide, children }: { title: string; close: () => void; wide?: boolean; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const outside = (e: MouseEvent) => {
    if (e.target === dialog.current) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class={wide ? "sheet wide" : "sheet"} aria-labelledby={id} onClose={close} onMouseDown={outside}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  word?: string; // to be typed before the action can be taken
  action: string; // label of the button
  danger?: boolean;
  children: ComponentChildren; // what will happen
  run: () => Promise<void>; // throws a Problem
  close: () => void;
}

/** Confirm asks before something is done; with a word, that word has to be typed. */
export function Confirm({ title, word, action, danger, children, run, close }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const ready = !busy && (word === undefined || typed === word);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!ready) return;
    setBusy(true);
    try {
      await run();
      close();
    } catch (e) {
      setProblem(e as Problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form class="confirm" onSubmit={submit}>
        <div class="confirm-text">{children}</div>
        {word !== undefined && (
          <label class="field">
            <span>
              Type <code>{word}</code> to go on
            </span>
            <input value={typed} onInput={(e) => setTyped(e.currentTarget.value)} autocomplete="off" autocapitalize="off" spellcheck={false} autofocus />
          </label>
        )}
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class={danger ? "danger" : "primary"} disabled={!ready}>
            {busy ? "Working" : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** ProblemLine is a refusal inside of a form. */
export function ProblemLine({ problem }: { problem: Problem }) {
  return (
    <p class="problem-line" role="alert">
      <Shape tone="bad" />
      <span>
        {problem.message}
        <span class="detail">
          {" "}
          {problem.kind}
          {problem.requestId && (
            <>
              , request <code>{problem.requestId}</code>
            </>
          )}
        </span>
      </span>
    </p>
  );
}

/** Item is a line of a menu. */
export interface Item {
  text: string;
  run: () => void;
  off?: string; // why it cannot be chosen
}

/** Menu is a button that opens a list of things to do. */
export function Menu({ text, items, label }: { text: ComponentChildren; items: Item[]; label?: string }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (e: Event) => {
      if (e.target instanceof Node && !box.current?.contains(e.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);
  const key = (e: KeyboardEvent) => {
    if (!open) return;
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      setOpen(false);
      button.current?.focus();
      return;
    }
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu" ref={box} onKeyDown={key}>
      <button ref={button} type="button" class="quiet" aria-haspopup="menu" aria-expanded={open} aria-label={label} onClick={() => setOpen(!open)}>
        {text}
        <svg class="caret" viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
          <path d="M2.500 4.500 6 8l3.500-3.500" fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
      </button>
      {open && (
        <div class="menu-list" role="menu">
          {items.map((i) => (
            <button
              key={i.text}
              type="button"
              role="menuitem"
              tabIndex={-1}
              aria-disabled={i.off !== undefined}
              title={i.off}
              onClick={() => {
                if (i.off !== undefined) return;
                setOpen(false);
                button.current?.focus();
                i.run();
              }}
            >
              {i.text}
              {i.off !== undefined && <span class="detail"> {i.off}</span>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

const messages = signal<{ id: number; text: string; tone: Tone }[]>([]);
let next = 0;

/** toast says something short that goes away by itself. */
export function toast(text: string, tone: Tone = "ok"): void {
  const id = next++;
  messages.value = [...messages.value, { id, text, tone }];
  setTimeout(() => (messages.value = messages.value.filter((m) => m.id !== id)), 4_000);
}

/** Toasts is where short messages appear. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {messages.value.map((m) => (
        <p key={m.id} class={`toast state ${m.tone}`}>
          <Shape tone={m.tone} />
          {m.text}
        </p>
      ))}
    </div>
  );
}
