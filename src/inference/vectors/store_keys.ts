// Keys of the stored entries: what they begin with says what lies side by side and is found together.

/** The key of an entry's vector, and what all keys of its partition lie between. */
export function vectorKey(partition: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(partition);
  key.writeUInt32BE(number, 4);
  return key;
}

/** What an id stands for in a partition: both in one key, the id first so that it can be found in all partitions. */
export function idKey(id: Uint8Array, partition: number): Buffer {
  const key = Buffer.allocUnsafe(id.length + 4);
  key.set(id);
  key.writeUInt32BE(partition, id.length);
  return key;
}

/** The key of a partition: its name first, so that those of a tenant lie side by side. */
export function partitionKey(name: Uint8Array, embedder: string): Buffer {
  const space = Buffer.from(embedder);
  return Buffer.concat([name, space, Buffer.from([space.length >> 8, space.length & 0xff])]);
}

/** The name of the partition that a key is of; null if it is none. */
export function partitionName(key: Buffer): Buffer | null {
  if (key.length < 2) return null;
  const end = key.length - 2 - key.readUInt16BE(key.length - 2);
  return end < 0 ? null : key.subarray(0, end);
}

/** What lies behind everything that begins so; null where there is nothing behind. */
export function endOf(prefix: Uint8Array): Buffer | null {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    if (end[at] === 0xff) continue;
    end[at]! += 1;
    return end.subarray(0, at + 1);
  }
  return null;
}
