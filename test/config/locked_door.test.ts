import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";

function load(yaml: string, hasStoredKeys?: (data: string) => boolean) {
  return parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {}, hasStoredKeys });
}

describe("an address that others than this machine can reach", () => {
  test("needs keys in the file, stored ones in its data folder, or an admin who can make them", () => {
    const refused = { ok: false, problems: [{ message: expect.stringContaining("without client keys") }] };
    expect(load("listen: { host: 0.0.0.0 }")).toMatchObject(refused);
    expect(load("listen: { host: 0.0.0.0 }", () => false)).toMatchObject(refused);
    expect(load("{ listen: { host: 0.0.0.0 }, keys: [{ name: a, key: b }] }")).toMatchObject({ ok: true });
    expect(load("{ listen: { host: 0.0.0.0 }, admin: { token: 0123456789abcdef } }")).toMatchObject({
      ok: true,
    });
    const asked: string[] = [];
    const hasStored = (data: string) => asked.push(data) > 0;
    expect(load("{ listen: { host: 0.0.0.0 }, data: store }", hasStored)).toMatchObject({ ok: true });
    expect(asked).toEqual(["store"]);
  });

  test("is not a reason to look for stored keys where it is not one", () => {
    const never = () => expect.unreachable("nobody needed to look");
    expect(load("listen: { host: 127.0.0.1 }", never)).toMatchObject({ ok: true });
    expect(load("{ listen: { host: 0.0.0.0 }, keys: [{ name: a, key: b }] }", never)).toMatchObject({
      ok: true,
    });
  });
});
