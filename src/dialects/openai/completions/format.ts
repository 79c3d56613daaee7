// OpenAI's legacy completions as a format.

import type { Format } from "../../neutral/format.ts";
import { readAnswer } from "./read_answer.ts";
import { readRequest } from "./read_request.ts";
import { readStream } from "./read_stream.ts";
import { writeAnswer } from "./write_answer.ts";
import { writeRequest } from "./write_request.ts";
import { writeStream } from "./write_stream.ts";

/** Legacy completions. */
export const COMPLETIONS: Format = {
  name: "completions",
  ...{ readRequest, writeRequest, readAnswer, writeAnswer, readStream, writeStream },
};
