// Whether kinds of personal data that a configuration defines are sound. All recognisers are loaded for it, so only when there
// is such a kind.

import type { CustomRecogniser } from "../privacy/recognisers/custom.ts";

type Check = typeof import("../privacy/recognisers/custom_check.ts");

/** What is wrong with a kind, in words; null for nothing. Its examples are tried. */
export function checkCustom(custom: CustomRecogniser): string | null {
  const check = require("../privacy/recognisers/custom_check.ts") as Check;
  return check.checkCustom(custom);
}
