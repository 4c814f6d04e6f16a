// An input that is taken when it is confirmed: until then its text is its own, and
// news that draw the page anew do not take it away.
import { useEffect, useState } from "preact/hooks";

interface Props {
  value: string;
  /** set takes what was typed, without blanks around it, on Enter and when the input is left. */
  set: (value: string) => void;
  input?: { current: HTMLInputElement | null };
  type?: "text" | "search";
  placeholder?: string;
  list?: string; // id of a datalist
  size?: number;
  numeric?: boolean; // a phone shows digits
}

/** Typed is such an input. */
export function Typed({ value, set, input, type = "text", placeholder, list, size, numeric }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const taken = (e: Event) => set((e.currentTarget as HTMLInputElement).value.trim());
  return (
    <input
      ref={input ?? null}
      type={type}
      value={text}
      placeholder={placeholder}
      list={list}
      size={size}
      inputMode={numeric ? "numeric" : undefined}
      autocomplete="off"
      spellcheck={false}
      onInput={(e) => setText(e.currentTarget.value)}
      onChange={taken}
      onKeyDown={(e) => {
        if (e.key === "Enter") taken(e);
      }}
    />
  );
}
