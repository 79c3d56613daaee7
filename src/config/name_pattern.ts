// Names with `*` in them: a pattern that stands for many names, compiled once. Matching is linear in both.

/** A pattern. */
export interface NamePattern {
  readonly text: string;
  /** What lies between its stars; one part alone is a whole name. */
  readonly parts: readonly string[];
}

/** Compiles a pattern in which `*` stands for any run of characters, none included. */
export function namePattern(text: string): NamePattern {
  return { text, parts: text.split("*") };
}

/** Whether a name is meant by a pattern. */
export function isMeant({ text, parts }: NamePattern, name: string): boolean {
  if (parts.length === 1) return text === name;
  const first = parts[0]!;
  const last = parts[parts.length - 1]!;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (let index = 1; index < parts.length - 1; index++) {
    const part = parts[index]!;
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** The same for a pattern that is used but once. */
export function matchesPattern(pattern: string, name: string): boolean {
  return isMeant(namePattern(pattern), name);
}
