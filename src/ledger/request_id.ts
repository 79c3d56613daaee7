// The request's id that the gateway makes of a call's own id, a UUID, where the client gave none: `req_` and its digits.

const PREFIX = "req_";
const DASH = 45;
const FORM = /^req_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** The request's id that is made of a call's. */
export function madeRequestId(id: string): string {
  return PREFIX + id.replaceAll("-", "");
}

/** Whether a request's id is made of this call's. Every call asks: no text is made to compare. */
export function isMadeOf(request_id: string, id: string): boolean {
  if (request_id.length !== 36 || id.length !== 36 || !request_id.startsWith(PREFIX)) return false;
  return (
    isDashed(id) &&
    isSame(request_id, 4, id, 0, 8) &&
    isSame(request_id, 12, id, 9, 4) &&
    isSame(request_id, 16, id, 14, 4) &&
    isSame(request_id, 20, id, 19, 4) &&
    isSame(request_id, 24, id, 24, 12)
  );
}

function isDashed(id: string): boolean {
  return (
    id.charCodeAt(8) === DASH &&
    id.charCodeAt(13) === DASH &&
    id.charCodeAt(18) === DASH &&
    id.charCodeAt(23) === DASH
  );
}

function isSame(a: string, a_from: number, b: string, b_from: number, count: number): boolean {
  for (let index = 0; index < count; index++) {
    if (a.charCodeAt(a_from + index) !== b.charCodeAt(b_from + index)) return false;
  }
  return true;
}

/** The call's id that a request's may have been made of; null if it has not that form. */
export function madeOf(request_id: string): string | null {
  const parts = FORM.exec(request_id);
  return parts === null ? null : parts.slice(1).join("-");
}
