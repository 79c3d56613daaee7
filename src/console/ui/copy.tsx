// A button that copies a text, and says that it did.

import { useState } from "preact/hooks";

/** Copies a text, and says that it did. */
export function CopyButton({ text, name = "Copy" }: { readonly text: string; readonly name?: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Select and copy it by hand");
    }
    setTimeout(() => setSaid(""), 2_000);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{said === "" ? name : said}</span>
    </button>
  );
}
