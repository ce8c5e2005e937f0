// The gate: what must hold before every commit.
import { runSteps, staticSteps, unitTests } from "./gate.ts";

const { failed } = await runSteps([...staticSteps, unitTests], { say: console.log });
console.log(failed === 0 ? "\nThe gate is open" : `\nThe gate is shut: ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
