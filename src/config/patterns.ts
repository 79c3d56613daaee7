// Regular expressions of the configuration. They run on RE2's engine, whose time is linear in the text whatever the pattern: none
// can be made to hang the gateway. The engine is loaded by the first pattern, since most configurations have none.

type Engine = typeof import("re2js");

function engine(): Engine {
  return require("re2js") as Engine;
}

/** Longer texts are not searched: the engine takes about a tenth of a microsecond a character. */
const TEXT_MAX_CHARS = 32 * 1024;

/** What is wrong with a pattern, in words; null for nothing. */
export function patternFault(pattern: string): string | null {
  try {
    engine().RE2JS.compile(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What takes all that any of the patterns matches out of a text; null for no patterns. They must be without fault. */
export function makeStripper(patterns: readonly string[]): ((text: string) => string) | null {
  if (patterns.length === 0) return null;
  const { RE2JS } = engine();
  const compiled = patterns.map((pattern) => RE2JS.compile(pattern));
  return (text) => {
    if (text.length > TEXT_MAX_CHARS) return text;
    return compiled.reduce((rest, pattern) => pattern.matcher(rest).replaceAll(""), text);
  };
}

/** A pattern, ready to be looked for. */
export interface Pattern {
  /** Whether it matches anywhere in a text. */
  isIn(text: string): boolean;
}

/** A pattern that is known to be without fault. */
export function makePattern(source: string): Pattern {
  const compiled = engine().RE2JS.compile(source);
  return { isIn: (text) => compiled.matcher(text).find() };
}

/** A pattern as JavaScript writes it (ECMA-262), which JSON Schema does; or why it cannot be run: RE2 looks neither ahead nor back. */
export function compilePattern(source: string): Pattern | { readonly fault: string } {
  const { RE2JS } = engine();
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
    return { isIn: (text) => compiled.matcher(text).find() };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
