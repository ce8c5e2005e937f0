#!/usr/bin/env node
// Everything else is imported after the look: an old Node.js would stumble over it before it could be told so
import { complaintAbout } from "./node-version.ts";

const complaint = complaintAbout(process.versions.node);
if (complaint === undefined) void import("./process.ts");
else {
  process.stderr.write(complaint);
  process.exitCode = 1;
}
