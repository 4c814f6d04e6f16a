// The theme: the system's, unless the reader chose one.
import { computed, signal } from "@preact/signals";

/** Choice is what the reader wants. */
export type Choice = "system" | "light" | "dark";

const key = "trimtab.theme"; // index.html reads it before the first paint
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

function stored(): Choice {
  try {
    const v = localStorage.getItem(key);
    return v === "light" || v === "dark" ? v : "system";
  } catch {
    return "system";
  }
}

/** choice is what the reader chose. */
export const choice = signal<Choice>(stored());

/** dark says whether the page is dark now; charts draw by it. */
export const dark = computed(() => (choice.value === "system" ? systemDark.value : choice.value === "dark"));

/** choose sets the theme and remembers it, where the browser allows. */
export function choose(c: Choice): void {
  choice.value = c;
  document.documentElement.style.colorScheme = c === "system" ? "" : c;
  try {
    if (c === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, c);
  } catch {
    // A browser that stores nothing still shows the theme until the page is closed.
  }
}
