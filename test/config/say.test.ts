// How processes tell of themselves: to a person, or as lines of JSON, and no more than is wanted.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { lineOf, readSaying } from "../../src/config/say.ts";
import { chat, Venturi } from "../chaos/harness.ts";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0)) await undo();
});

test("a line for a person, and the same as JSON", () => {
  const now = new Date("2026-11-26T06:30:05.123Z");
  expect(lineOf("reloaded", "info", "text", now)).toBe("venturi: reloaded");
  expect(lineOf('a "line"\nend', "error", "json", now)).toBe(
    '{"time":"2026-11-26T06:30:05.123Z","level":"error","event":"log","message":"a \\"line\\"\\nend"}',
  );
});

test.each([
  [undefined, "text", "info"],
  ["json warn", "json", "warn"],
  ["xml loud", "text", "info"],
])("a process that is told %j", (told, format, level) => {
  expect(readSaying(told)).toEqual({ format, level });
});

describe("a gateway that runs", () => {
  const quiet = "models: { a: { targets: [sim/error-500], retries: { attempts: 0 } } }\n";

  test("tells all that happens as lines of JSON, its other processes too", async () => {
    const gateway = new Venturi({ config: `log: { format: json }\n${quiet}` });
    undone.push(() => gateway.end());
    await gateway.ready();
    // Enough failures for a breaker to open, of which a gateway process tells.
    for (let count = 0; count < 6; count++)
      await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body: chat("a") });
    await gateway.line(/sim\/error-500/);
    gateway.writeConfig("log: { format: json }\nmodels: { a: { targets: [] } }\n");
    gateway.kill("SIGHUP");
    await gateway.line(/the configuration has faults/);
    gateway.kill("SIGTERM");
    await gateway.exited;
    const lines = gateway.lines.map((line) => JSON.parse(line) as { level: string; message: string });
    const level = (part: string) => lines.find(({ message }) => message.includes(part))!.level;
    expect(level("listening on")).toBe("info");
    expect(level("the configuration has faults")).toBe("error");
    expect(level("stopped")).toBe("info");
  });

  test("tells nothing less important than is wanted", async () => {
    const gateway = new Venturi({ config: "log: { level: error }\n" });
    undone.push(() => gateway.end());
    await gateway.until(() => existsSync(join(gateway.folder, "data", "admin.sock")), "admin API");
    gateway.kill("SIGTERM");
    expect(await gateway.exited).toMatchObject({ code: 0 });
    expect(gateway.lines).toEqual([]);
  });
});
