// What HTTP/1.1 allows in names, values and targets, as tables by byte (RFC 9110 section 5, RFC 9112).
// Reading and writing use the same tables, so that we never send what we would refuse.

/** Carriage return. */
export const CR = 13;
/** Line feed. */
export const LF = 10;

/** 1 for the bytes of a token (RFC 9110 5.6.2): methods, field names, names of chunk extensions. */
export const TOKEN: Uint8Array = table((byte) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)),
);

/** 1 for the bytes of a field value or reason phrase (RFC 9110 5.5): tab, space, visible ASCII, 0x80 to 0xff. */
export const TEXT: Uint8Array = table((byte) => byte === 9 || (byte >= 0x20 && byte !== 0x7f));

/** The value of a hexadecimal digit, 255 for other bytes. */
export const HEX: Uint8Array = hexTable();

function table(allows: (byte: number) => boolean): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (allows(byte)) bytes[byte] = 1;
  return bytes;
}

function hexTable(): Uint8Array {
  const values = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    values[digit.charCodeAt(0)] = value;
    values[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return values;
}

/** Whether a string is a token. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || TOKEN[code] === 0) return false;
  }
  return text.length > 0;
}

/** Whether a string can be written as a field value: no control characters, nothing beyond 0xff. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || TEXT[code] === 0) return false;
  }
  return true;
}

/** Whether a string can be written as a request target in origin form (RFC 9112 3.2.1): visible ASCII from "/" on. */
export function isTarget(text: string): boolean {
  if (text.charCodeAt(0) !== 0x2f) return false;
  for (let i = 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return true;
}
