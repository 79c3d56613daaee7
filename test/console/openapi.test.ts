// `/openapi.json`: it describes every endpoint that there is and no other, by schemas that are schemas.

import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_ENDPOINTS } from "../../src/console/openapi/admin.ts";
import { JSON_ENDPOINTS } from "../../src/gateway/endpoints.ts";
import { type ApiUnderTest, openApi } from "./admin_api.ts";

interface Operation {
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly security: readonly object[];
}

let own: ApiUnderTest;
let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;

beforeAll(async () => {
  own = openApi();
  const answer = await own.api.answer(new Request("http://admin/openapi.json"));
  expect(answer.status).toBe(200);
  const document = (await answer.json()) as { openapi: string; paths: typeof paths };
  expect(document.openapi).toBe("3.1.0");
  paths = document.paths;
});
afterAll(() => own.end());

function operations(): [path: string, method: string, operation: Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      path,
      method,
      operation,
    ]),
  );
}

describe("the description", () => {
  test("is of every endpoint of the admin API, and of no other", () => {
    const described = operations().flatMap(([path, method]) =>
      path.startsWith("/admin/v1/")
        ? [`${method.toUpperCase()} ${path.slice("/admin/v1/".length).replace("{id}", "*")}`]
        : [],
    );
    expect(described.sort()).toEqual(Object.keys(ADMIN_ENDPOINTS).sort());
    expect(operations().filter(([, , { summary }]) => summary === "")).toEqual([]);
  });

  test("is of every endpoint whose calls are read", () => {
    for (const path of JSON_ENDPOINTS.keys()) expect(Object.keys(paths)).toContain(`/v1${path}`);
  });

  test("has schemas that are schemas, and names what stands in its paths", () => {
    const ajv = new Ajv2020({ strict: false });
    for (const [path, , { parameters, requestBody }] of operations()) {
      const named = parameters.filter((one) => one.in === "path").map(({ name }) => `{${name}}`);
      expect(named).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const { schema } of parameters) ajv.compile(schema);
      for (const { schema } of Object.values(requestBody?.content ?? {})) ajv.compile(schema);
    }
  });

  test("says who may see what calls said", () => {
    const content = paths["/admin/v1/calls/{id}/content"]!;
    expect(content["get"]!.security).toEqual([{ content_token: [] }]);
    expect(content["delete"]!.security).toEqual([{ admin_token: [] }, { content_token: [] }]);
    expect(paths["/admin/v1/calls"]!["get"]!.parameters.map(({ name }) => name)).toContain("tenant");
  });
});
