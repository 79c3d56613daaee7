// The HTTP/1.1 client: the behaviour of every client, and what only it promises.
// Each promise is provoked by a server that breaks off, stays silent or says too much at one chosen moment.

import { expect, test } from "vitest";
import { createHttp1Client } from "../../src/upstream/http1/client.ts";
import { ask, NO_TIMEOUTS, requestTo, settle } from "./ask.ts";
import { describeClient } from "./client.cases.ts";
import { RawServer } from "./raw_server.ts";

describeClient("the HTTP/1.1 client", {
  make: () => createHttp1Client({ head_ms: 100, report: () => {} }),
  differences: {},
});

const OK = "HTTP/1.1 200 OK\r\n";
