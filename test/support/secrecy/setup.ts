import { afterAll } from "vitest";
import { mustHaveFoundNothing, watchPrograms } from "./watch-programs.ts";

watchPrograms();
afterAll(mustHaveFoundNothing);
