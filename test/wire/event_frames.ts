// Makes frames of AWS's binary event streams, checksums and all.

import { crc32 } from "node:zlib";

/** One frame; headers are texts, or bytes as they are. */
export function frameOf(headers: Readonly<Record<string, string>> | Uint8Array, payload: Uint8Array): Buffer {
  const head = headers instanceof Uint8Array ? headers : headerBytes(headers);
  const frame = Buffer.alloc(12 + head.length + payload.length + 4);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(head.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(head, 12);
  frame.set(payload, 12 + head.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

function headerBytes(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(Buffer.byteLength(value));
      return [
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ];
    }),
  );
}

/** An event with its JSON. */
export function eventFrame(name: string, event: unknown): Buffer {
  const headers = { ":event-type": name, ":content-type": "application/json", ":message-type": "event" };
  return frameOf(headers, Buffer.from(JSON.stringify(event)));
}

/** An exception with its message. */
export function exceptionFrame(name: string, message: string): Buffer {
  const headers = {
    ":exception-type": name,
    ":content-type": "application/json",
    ":message-type": "exception",
  };
  return frameOf(headers, Buffer.from(JSON.stringify({ message })));
}
