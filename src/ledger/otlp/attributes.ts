// Values as OTLP's JSON has them (opentelemetry-proto, common/v1): whole numbers of 64 bits are texts.

/** A value. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

/** A named value. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** What is told of something; what is null or undefined is left out. */
export type Facts = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

/** Facts as attributes. Numbers are whole, but for those that end in `usd` or `similarity`. */
export function attributesOf(facts: Facts): OtlpAttribute[] {
  return Object.entries(facts).flatMap(([key, fact]) =>
    fact === null || fact === undefined ? [] : { key, value: otlpValue(key, fact) },
  );
}

function otlpValue(key: string, fact: string | number | boolean | readonly string[]): OtlpValue {
  switch (typeof fact) {
    case "string":
      return { stringValue: fact };
    case "boolean":
      return { boolValue: fact };
    case "number":
      return /(usd|similarity)$/.test(key) ? { doubleValue: fact } : { intValue: String(Math.round(fact)) };
    default:
      return { arrayValue: { values: fact.map((stringValue) => ({ stringValue })) } };
  }
}

/** What the sender is. */
export function resourceOf(service_name: string, version: string): { attributes: OtlpAttribute[] } {
  return { attributes: attributesOf({ "service.name": service_name, "service.version": version }) };
}

/** A moment in nanoseconds since 1970, as text: no number has so many digits. */
export function nanosOf(time_ms: number, after_us = 0): string {
  return String(BigInt(Math.round(time_ms)) * 1_000_000n + BigInt(Math.round(after_us)) * 1_000n);
}
