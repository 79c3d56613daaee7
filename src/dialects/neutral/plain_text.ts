// What is said as text where a format has no other word for it: documents of text, results that are errors.

import type { FilePart } from "./parts.ts";

/** The text of a document that is nothing else, with what is known of it before it; null for others. */
export function textOfFile({ source, name, context }: FilePart): string | null {
  const text =
    source.kind === "text"
      ? source.text
      : source.kind === "base64" && source.media_type.startsWith("text/")
        ? Buffer.from(source.data, "base64").toString("utf8")
        : null;
  if (text === null) return null;
  return [name, context, text].filter((line) => line !== undefined).join("\n\n");
}

/** How much of a text is looked at; characters. */
const HEAD_LENGTH = 100;

/** A tool's error, for formats without a word for one: the text says that it is. */
export function errorText(text: string): string {
  return text.slice(0, HEAD_LENGTH).toLowerCase().includes("error") ? text : `Error: ${text}`;
}
