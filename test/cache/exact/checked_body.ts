// Bodies of many lengths that carry a checksum of their own, so that a test sees whether one is whole.

/** A body that a number makes. */
export function bodyOf(number: number): Buffer {
  const content = Buffer.alloc((number * 7919) % 12_000, `answer ${number} `);
  const body = Buffer.alloc(content.length + 4);
  body.writeUInt32LE(Number(Bun.hash.xxHash32(content)), 0);
  content.copy(body, 4);
  return body;
}

/** Whether it is one that `bodyOf` made. */
export function isWhole(body: Uint8Array): boolean {
  const bytes = Buffer.from(body);
  return bytes.length >= 4 && bytes.readUInt32LE(0) === Number(Bun.hash.xxHash32(bytes.subarray(4)));
}
