// The client over fetch: the behaviour of every client, and what only it is there for, proxies and HTTP/2.
// What fetch does otherwise is listed with its reason, so that a change of the runtime shows.

import { createFetchClient } from "../../src/upstream/fetch.ts";
import { describeClient } from "./client.cases.ts";

describeClient("the fetch client", {
  make: () => createFetchClient({ report: () => {} }),
  differences: {},
});
