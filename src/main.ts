#!/usr/bin/env bun
// The door. What runs are modules made of the sources as they are now, where there are such, and else the sources themselves.

import { freshModules } from "./program/modules.ts";

const modules = freshModules();
await (modules === null ? import("./roles.ts") : import(modules));
