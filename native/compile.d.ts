/** See compile.js. */
export function findCompiler(): string | null;
/** See compile.js. */
export function compileAddon(compiler: string, output?: string, folder?: string): string | null;
