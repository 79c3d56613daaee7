// Runs a page's blocks as whoever reads it would: in an empty folder, with a gateway of its own, one after the other.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Block, expectationsOf, isRun, type Page, ROOT } from "./page.ts";

const MAIN = join(ROOT, "src/main.ts");
const ADDRESS = "127.0.0.1:8080";
/** A block that takes longer hangs. */
const BLOCK_MAX_MS = 60_000;

/** A block that did not do what it says. */
export class BlockFault extends Error {}

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Runs all blocks of a page. Gives the lines of those that were left out because something is not installed. */
export async function runPage(page: Page): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "venturi-page-"));
  const left: string[] = [];
  let gateway: PageGateway | null = null;
  try {
    writeTools(folder);
    for (const block of page.blocks) {
      const file = block.words.find((word) => /^[\w.-]+\.\w+$/.test(word));
      if (file !== undefined && !block.words.includes("elsewhere")) {
        writeFileSync(join(folder, file), block.text);
        // What a gateway serves is read when it starts, so that what follows never meets what was before.
        if (file === "venturi.yaml") {
          await gateway?.stop();
          gateway = null;
        }
      }
      if (!isRun(block)) continue;
      if (!isInstalled(block)) {
        left.push(`${page.name}:${block.line}: its packages are not installed`);
        continue;
      }
      gateway ??= await PageGateway.start(folder);
      const ran = await run(block, folder, gateway.port);
      const missing = expectationsOf(block).filter((text) => !ran.output.includes(text));
      if (ran.code !== 0 || missing.length > 0)
        throw new BlockFault(
          `${page.name}:${block.line}: exit ${ran.code}${missing.map((text) => `, without ${JSON.stringify(text)}`).join("")}\n${ran.output}\n${gateway.said}`,
        );
    }
    return left;
  } finally {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The commands of a page: `venturi` and `npx venturi` are this program, packages are those of the project. */
function writeTools(folder: string): void {
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const write = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  write("venturi", `exec "${process.execPath}" "${MAIN}" "$@"`);
  write(
    "npx",
    `[ "$1" = venturi ] || { echo "npx $1 is not for here" >&2; exit 1; }\nshift\nexec "${process.execPath}" "${MAIN}" "$@"`,
  );
  write("bun", `exec "${process.execPath}" "$@"`);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
}

async function run(block: Block, folder: string, port: number): Promise<Ran> {
  const text = block.text.replaceAll(ADDRESS, `127.0.0.1:${port}`);
  const [command, ending] =
    block.language === "ts"
      ? [[process.execPath], "ts"]
      : block.language === "python"
        ? [["python3"], "py"]
        : [["bash", "-euo", "pipefail"], "sh"];
  const file = join(folder, `.block.${ending}`);
  writeFileSync(file, text);
  const child = Bun.spawn([...command, file], {
    cwd: folder,
    env: environmentOf(folder, port),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: BLOCK_MAX_MS,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: `${stdout}${stderr}` };
}

function environmentOf(folder: string, port: number): Record<string, string> {
  return {
    PATH: `${join(folder, ".bin")}:${process.env["PATH"] ?? ""}`,
    HOME: folder,
    OPENAI_API_KEY: "any",
    ANTHROPIC_API_KEY: "any",
    GEMINI_API_KEY: "any",
    VENTURI_ADMIN_TOKEN: "admin-token-of-the-page",
    CHECKOUT_KEY: "checkout-key-of-the-page",
    NO_PROXY: "127.0.0.1",
    VENTURI_PAGE_PORT: String(port),
  };
}

/** Whether all packages that a program imports are there. */
function isInstalled(block: Block): boolean {
  if (block.language === "python") return hasPython(block);
  if (block.language !== "ts") return true;
  const packages = [...block.text.matchAll(/from "([^"]+)"/g)].map((found) => found[1]!);
  return packages.every((name) => existsSync(join(ROOT, "node_modules", name)));
}

function hasPython({ text }: Block): boolean {
  const packages = [...text.matchAll(/^(?:from|import) (\w+)/gm)].map((found) => found[1]!);
  const probe = `import importlib.util, sys\nsys.exit(0 if all(importlib.util.find_spec(n) for n in ${JSON.stringify(packages)}) else 1)`;
  try {
    return Bun.spawnSync(["python3", "-c", probe]).exitCode === 0;
  } catch {
    return false;
  }
}

/** The gateway of a page. */
class PageGateway {
  readonly port: number;
  said: string;
  readonly #child: Bun.Subprocess;

  private constructor(port: number, said: string, child: Bun.Subprocess) {
    this.port = port;
    this.said = said;
    this.#child = child;
  }

  static async start(folder: string): Promise<PageGateway> {
    const child = Bun.spawn([process.execPath, MAIN, "serve", "--port", "0", "--workers", "1"], {
      cwd: folder,
      env: environmentOf(folder, 0),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    let said = "";
    const decoder = new TextDecoder();
    const reader = child.stderr.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new BlockFault(`the gateway does not start:\n${said}`);
      said += decoder.decode(value, { stream: true });
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) continue;
      const gateway = new PageGateway(Number(port), said, child);
      void (async () => {
        for (;;) {
          const more = await reader.read();
          if (more.done) return;
          gateway.said += decoder.decode(more.value, { stream: true });
        }
      })();
      return gateway;
    }
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
  }
}
