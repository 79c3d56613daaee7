// `/openapi.json`: the admin API and the endpoints of calls as OpenAPI 3.1 describes them, put together once out of what the router
// knows. Source: https://spec.openapis.org/oas/v3.1.1.html

import * as z from "zod";
import package_json from "../../../package.json" with { type: "json" };
import type { Routes } from "../router.ts";
import { type About, ADMIN_ENDPOINTS } from "./admin.ts";
import { PUBLIC_ENDPOINTS, type PublicEndpoint } from "./public.ts";

type Json = Readonly<Record<string, unknown>>;

const ERROR = { $ref: "#/components/schemas/Error" };
const ANY_OBJECT = { type: "object", additionalProperties: true };

/** The document. */
export function openApiDocument(routes: Routes): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Venturi",
      version: package_json.version,
      description:
        "One endpoint before all models, and the admin API. Bodies of calls are those of the APIs that their endpoints are named after.",
    },
    paths: pathsOf(routes),
    components: {
      securitySchemes: {
        client_key: {
          type: "http",
          scheme: "bearer",
          description: "A client key; `x-api-key`, `api-key` and `x-goog-api-key` take it too.",
        },
        admin_token: { type: "http", scheme: "bearer", description: "`admin.token` of the configuration." },
        content_token: {
          type: "http",
          scheme: "bearer",
          description: "`admin.content_token`, which may see what calls said as well.",
        },
      },
      schemas: {
        Error: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["message", "type", "param", "code"],
              properties: {
                message: { type: "string" },
                type: { type: "string" },
                param: { type: ["string", "null"] },
                code: { type: ["string", "null"] },
              },
            },
          },
        },
      },
    },
  };
}

function pathsOf(routes: Routes): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const add = (path: string, method: string, operation: Json) => {
    paths[path] = { ...paths[path], [method]: operation };
  };
  for (const endpoint of PUBLIC_ENDPOINTS) add(endpoint.path, endpoint.method, publicOperation(endpoint));
  for (const [pattern, methods] of Object.entries(routes)) {
    const path = `/admin/v1/${pattern.replace("*", "{id}")}`;
    for (const method of Object.keys(methods)) {
      const about = ADMIN_ENDPOINTS[`${method} ${pattern}`] ?? { summary: "" };
      add(path, method.toLowerCase(), adminOperation(path, about));
    }
  }
  return paths;
}

function adminOperation(path: string, about: About): Json {
  const { summary, query, body, status = 200, content = "application/json", needs_content = false } = about;
  return {
    ...{ tags: ["Admin"], summary },
    parameters: [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))],
    ...(body === undefined ? {} : { requestBody: jsonBody(schemaOf(body)) }),
    responses: {
      [status]: {
        description: "Done.",
        content: { [content]: { schema: content === "application/json" ? ANY_OBJECT : { type: "string" } } },
      },
      ...errorResponses,
    },
    security: needs_content ? [{ content_token: [] }] : [{ admin_token: [] }, { content_token: [] }],
  };
}

const errorResponses = {
  default: {
    description: "What is wrong, in words; `param` names the field.",
    content: { "application/json": { schema: ERROR } },
  },
};

function publicOperation({
  path,
  summary,
  tag,
  needs,
  streams = false,
  is_open = false,
  method,
}: PublicEndpoint): Json {
  const json = { "application/json": { schema: ANY_OBJECT } };
  const is_text = path === "/metrics";
  const streamed = { ...ANY_OBJECT, required: needs ?? [], properties: { stream: { type: "boolean" } } };
  return {
    ...{ tags: [tag], summary },
    parameters: pathParameters(path),
    ...(method === "post"
      ? { requestBody: jsonBody(streams ? streamed : { ...ANY_OBJECT, required: needs ?? [] }) }
      : {}),
    responses: {
      200: {
        description: "The answer.",
        content: is_text
          ? { "text/plain": { schema: { type: "string" } } }
          : { ...json, ...(streams ? { "text/event-stream": { schema: { type: "string" } } } : {}) },
      },
      ...errorResponses,
    },
    security: is_open ? [] : [{ client_key: [] }],
  };
}

function jsonBody(schema: Json): Json {
  return { required: true, content: { "application/json": { schema } } };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true, schema: { type: "string" } },
  }));
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaOf(query) as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: "query", required: required.includes(name), schema },
  }));
}

/** A schema as requests are to hold to it: what has a default may be left out. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return json;
}
