// Runs a script that exports a handler, in Bun or Node, and says what the handler returned. Its only argument is the
// script's path; the context is on stdin. What is printed last counts, so a script that prints a result of its
// own changes nothing.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

// The empty line ends one that the script may have left open.
const say = (json) => process.stdout.write(`\nFLOW_RESULT ${json}\n`);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const messageOf = (error) => {
  if (!(error instanceof Error) && typeof error?.message !== "string") return String(error);
  const causes = Array.isArray(error.errors) ? error.errors.map(messageOf) : [];
  return [error.message, ...causes].filter((text) => text).join(": ") || error.name || "error";
};

// Bun loses what its own console prints to a full pipe once process.stdout was so much as looked at.
for (const name of ["log", "info", "debug"]) {
  console[name] = (...values) => void process.stdout.write(`${format(...values)}\n`);
}

try {
  const context = JSON.parse(readFileSync(0, "utf8"));
  const url = pathToFileURL(process.argv.at(-1));
  url.searchParams.set("flowRun", context.runtime.runId);
  const { default: handler } = await import(url.href);
  if (typeof handler !== "function") {
    throw new Error("Bun module flow step must export a default handler function");
  }
  const result = await handler(context);
  if (!isObject(result) || typeof result.status !== "string") {
    throw new Error("Bun module flow step must return a FlowResult object");
  }
  say(JSON.stringify(result));
} catch (error) {
  const message = messageOf(error);
  console.error(error?.stack ?? message);
  say(JSON.stringify({ status: "failed", message }));
}
