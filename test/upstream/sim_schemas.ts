// JSON Schemas whose instances the simulator has to make: each keyword that it understands, alone and together.
// Each can be satisfied; the tests hold every instance against ajv.

const FORMATS = [
  "date-time",
  "date",
  "time",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uri",
  "uri-reference",
  "uuid",
  "json-pointer",
  "regex",
];

const node = {
  type: "object",
  properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
  required: ["value", "next"],
  additionalProperties: false,
};

/** Names and schemas. */
export const SCHEMAS: readonly (readonly [name: string, schema: Record<string, unknown>])[] = [
  ["an empty object", { type: "object", properties: {}, additionalProperties: false }],
  [
    "every type",
    {
      type: "object",
      properties: {
        s: { type: "string" },
        i: { type: "integer" },
        n: { type: "number" },
        b: { type: "boolean" },
        z: { type: "null" },
        a: { type: "array", items: { type: "string" } },
        o: {
          type: "object",
          properties: { x: { type: "integer" } },
          required: ["x"],
          additionalProperties: false,
        },
      },
      required: ["s", "i", "n", "b", "z", "a", "o"],
      additionalProperties: false,
    },
  ],
  [
    "an optional property",
    { type: "object", properties: { a: {}, b: { type: "string" } }, required: ["b"], maxProperties: 1 },
  ],
  [
    "enum and const",
    {
      type: "object",
      properties: { e: { type: "string", enum: ["a", "b"] }, c: { const: [1, { a: null }] } },
      required: ["e", "c"],
    },
  ],
  ["several types", { type: ["string", "null"], maxLength: 2 }],
  ["no type but properties", { properties: { a: { minimum: 4 } }, required: ["a"] }],
  [
    "required without a description",
    { type: "object", required: ["a"], additionalProperties: { type: "boolean" } },
  ],
  [
    "minProperties",
    {
      type: "object",
      properties: { a: { type: "string" } },
      minProperties: 3,
      additionalProperties: { type: "integer" },
    },
  ],
  ["minItems and maxItems", { type: "array", items: { type: "integer" }, minItems: 3, maxItems: 3 }],
  ["an array without items", { type: "array", maxItems: 0 }],
  ["prefixItems", { type: "array", prefixItems: [{ type: "string" }, { type: "boolean" }], items: false }],
  ["uniqueItems", { type: "array", items: { type: "string" }, minItems: 12, uniqueItems: true }],
  ["unique enums", { type: "array", items: { enum: ["a", "b", "c"] }, minItems: 3, uniqueItems: true }],
  [
    "unique integers",
    { type: "array", items: { type: "integer", minimum: 1, maximum: 10 }, minItems: 5, uniqueItems: true },
  ],
  [
    "nested arrays",
    {
      type: "array",
      items: { type: "array", items: { type: "array", items: { type: "number" }, minItems: 2 } },
    },
  ],
  [
    "anyOf",
    {
      anyOf: [
        { type: "object", properties: { kind: { const: "a" } }, required: ["kind"] },
        { type: "string" },
      ],
    },
  ],
  [
    "oneOf with a property beside it",
    {
      type: "object",
      properties: { id: { type: "integer" } },
      required: ["id"],
      oneOf: [{ properties: { a: { type: "string" } }, required: ["a"] }],
    },
  ],
  [
    "allOf",
    {
      allOf: [{ $ref: "#/$defs/named" }, { properties: { age: { type: "integer" } }, required: ["age"] }],
      $defs: { named: { type: "object", properties: { name: { type: "string" } }, required: ["name"] } },
    },
  ],
  [
    "a reference to $defs",
    {
      type: "object",
      properties: { home: { $ref: "#/$defs/place" } },
      required: ["home"],
      $defs: {
        place: {
          type: "object",
          properties: { zip: { type: "string", minLength: 5, maxLength: 5 } },
          required: ["zip"],
        },
      },
    },
  ],
  ["an escaped reference", { $ref: "#/$defs/a~1b%20c~0", $defs: { "a/b c~": { type: "integer" } } }],
  ["a list that holds itself", { ...node, $defs: { node } }],
  [
    "a tree that holds itself",
    {
      type: "object",
      properties: { children: { type: "array", items: { $ref: "#" } } },
      required: ["children"],
      additionalProperties: false,
    },
  ],
  [
    "bounds of integers",
    {
      type: "object",
      properties: {
        a: { type: "integer", minimum: 5, maximum: 5 },
        b: { type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 2 },
        c: { type: "integer", multipleOf: 7, minimum: 50 },
        d: { type: "integer", maximum: -3 },
      },
      required: ["a", "b", "c", "d"],
    },
  ],
  [
    "bounds of numbers",
    {
      type: "object",
      properties: {
        a: { type: "number", minimum: 0, maximum: 1 },
        b: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 0.1 },
        c: { type: "number", multipleOf: 0.25, minimum: 1.3 },
        d: { type: "number", minimum: 1e12 },
        e: { type: "number", exclusiveMinimum: 0 },
      },
      required: ["a", "b", "c", "d", "e"],
    },
  ],
  [
    "lengths of strings",
    {
      type: "object",
      properties: {
        a: { type: "string", maxLength: 0 },
        b: { type: "string", minLength: 200, maxLength: 200 },
        "ß👋": { type: "string", maxLength: 2 },
      },
      required: ["a", "b", "ß👋"],
    },
  ],
  [
    "formats",
    {
      type: "object",
      properties: Object.fromEntries(FORMATS.map((format) => [format, { type: "string", format }])),
      required: FORMATS,
    },
  ],
];
