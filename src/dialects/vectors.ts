// Vectors as embeddings carry them: numbers, or base64 of little-endian floats (OpenAI API reference, "Create embeddings", `encoding_format`).

/** A vector in base64. */
export function vectorAsBase64(values: readonly number[]): string {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, 4 * index);
  return bytes.toString("base64");
}
