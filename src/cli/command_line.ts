// What commands have in common: how they read their flags, and how they say that something is wrong with those or with the rest.

import { type ParseArgsConfig, parseArgs } from "node:util";

/** An option with a text. */
export const FLAG = { type: "string" } as const;
/** An option without one. */
export const SWITCH = { type: "boolean" } as const;
/** The option that every command has. */
export const HELP = { type: "boolean", short: "h" } as const;

/** How a command speaks to whoever ran it; what each gives is the exit code. */
export interface Voice {
  /** Tells how the command is used. */
  help(): number;
  /** What is wrong with the command line, and how it would be right. */
  misuse(what: string): number;
  /** Why it could not be done. */
  failed(what: string): number;
}

/** The voice of `venturi NAME`. */
export function voiceOf(name: string, usage: string): Voice {
  const complain = (text: string, code: number) => {
    console.error(`venturi ${name}: ${text}`);
    return code;
  };
  return {
    help() {
      console.log(usage);
      return 0;
    },
    misuse: (what) => complain(`${what}\n${usage}`, 2),
    failed: (what) => complain(what, 1),
  };
}

/** What a command line says; in words what is wrong with it. */
export function parseFlags<T extends Omit<ParseArgsConfig, "args">>(
  args: readonly string[],
  config: T,
): ReturnType<typeof parseArgs<T & { args: string[] }>> | string {
  try {
    return parseArgs({ ...config, args: [...args] });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
