// The inference process with the stand-in for the built-in model.

import { runInferenceProcess } from "../../src/inference/process.ts";
import { standIn } from "./stand_in.ts";

runInferenceProcess(() => standIn());
