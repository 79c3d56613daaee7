// Addresses of listeners, as URLs that can be asked.

import { expect, test } from "vitest";
import { listenerUrl, localUrl } from "../../src/config/address.ts";

test.each([
  ["127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1:80"],
  ["localhost", "http://localhost:80", "http://localhost:80"],
  ["fe80::1", "http://[fe80::1]:80", "http://[fe80::1]:80"],
  ["0.0.0.0", "http://0.0.0.0:80", "http://127.0.0.1:80"],
  ["::", "http://[::]:80", "http://[::1]:80"],
])("what listens at %s is %s, and %s for its own host", (hostname, url, local) => {
  expect(listenerUrl(hostname, 80, false)).toBe(url);
  expect(localUrl(url)).toBe(local);
});

test("what speaks TLS has a URL that says so", () => {
  expect(listenerUrl("::", 443, true)).toBe("https://[::]:443");
});
