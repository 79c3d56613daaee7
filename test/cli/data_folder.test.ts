import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findDataFolder } from "../../src/cli/data_folder.ts";
import { adminSocketPath } from "../../src/config/admin_socket.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-folder-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function find(yaml: string | null, flag?: string, env = {}) {
  const file = join(folder, "venturi.yaml");
  if (yaml !== null) writeFileSync(file, yaml);
  return findDataFolder(flag, file, env);
}

describe("the data folder", () => {
  test("is what the flag says, else the file, else ./data", () => {
    expect(find("data: store", "flag")).toBe("flag");
    expect(find("data: store")).toBe("store");
    expect(find("listen: {}")).toBe("./data");
    expect(find(null)).toBe("./data");
  });

  test("may come from the environment, and what else the file refers to does not matter", () => {
    expect(find("data: env.STORE\nadmin: { token: env.MISSING }", undefined, { STORE: "/srv/store" })).toBe(
      "/srv/store",
    );
  });

  test.each([
    ["data: env.MISSING", undefined, "MISSING is not set"],
    ["data: 5", undefined, "not the name of a folder"],
    ["data: [", undefined, "cannot be read"],
    ["data: store", "", "--data must not be empty"],
  ])("is not guessed from %j and the flag %j", (yaml, flag, fault) => {
    expect(find(yaml, flag)).toEqual({ fault: expect.stringContaining(fault) });
  });
});

describe("the admin socket's path", () => {
  test("lies in the folder, said in the shorter way", () => {
    expect(resolve(adminSocketPath("./data") as string)).toBe(resolve("data/admin.sock"));
    expect(adminSocketPath("./data")).toBe("data/admin.sock");
    expect(adminSocketPath("/d")).toBe("/d/admin.sock");
  });

  test("has a bound of bytes, beyond which it is said how many there are", () => {
    const longest = `/${"d".repeat(107 - "//admin.sock".length)}`;
    expect(adminSocketPath(longest)).toBe(`${longest}/admin.sock`);
    expect(adminSocketPath(`${longest}d`)).toEqual({ fault: expect.stringContaining("has 108 bytes") });
    expect(adminSocketPath(`/${"ü".repeat(50)}`)).toEqual({
      fault: expect.stringContaining("has 112 bytes"),
    });
  });
});
