// A value as YAML for people to read: the shape in which the configuration was written.

/** The lines of a value. What is null or empty is left out: it says nothing. */
export function yamlLines(value: unknown, indent = ""): string[] {
  if (!isObject(value)) return [`${indent}${scalar(value)}`];
  return Object.entries(value).flatMap(([name, item]) =>
    isNothing(item) ? [] : entryLines(key(name), item, indent),
  );
}

function entryLines(name: string, item: unknown, indent: string): string[] {
  if (Array.isArray(item)) {
    if (item.every((one) => !isObject(one) && !Array.isArray(one)))
      return [`${indent}${name}: [${item.map(scalar).join(", ")}]`];
    return [`${indent}${name}:`, ...item.flatMap((one) => itemLines(one, `${indent}  `))];
  }
  if (isObject(item)) return [`${indent}${name}:`, ...yamlLines(item, `${indent}  `)];
  return [`${indent}${name}: ${scalar(item)}`];
}

function itemLines(item: unknown, indent: string): string[] {
  const [first = "{}", ...rest] = yamlLines(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(isNothing);
}

function key(name: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(name) ? name : JSON.stringify(name);
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "null";
  const is_plain =
    /^[A-Za-z./_][\w./@ -]*$/.test(value) &&
    !/^(true|false|null|yes|no|on|off)$/i.test(value) &&
    value.trim() === value;
  return is_plain ? value : JSON.stringify(value);
}
