#!/usr/bin/env node
// An app server that keeps to a script: SCENARIO says how it behaves, SEEN is where it notes what it was told.
const fs = require("node:fs");
const scenario = "SCENARIO";
const note = (value) => fs.appendFileSync("SEEN", JSON.stringify(value) + "\n");
const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const tell = (method, params) => say({ method, params });
const delta = (threadId, text) => tell("item/agentMessage/delta", { threadId, itemId: "i", delta: text });
const turn = (status, error = null) => tell("turn/completed", { threadId: "t1", turn: { id: "u", status, error } });

note({ args: process.argv.slice(2), home: process.env.CODEX_HOME, secret: process.env.OPENAI_API_KEY ?? null, cwd: process.cwd() });
if (scenario === "gone") {
  console.error("no such subcommand: app-server");
  process.exit(2);
}

let text = 'checking\n\nFLOW_RESULT {"status":"completed","message":"all is well"}\n';
const answers = {
  initialize: () => ({ userAgent: "scripted" }),
  "thread/start": () => ({ thread: { id: scenario === "nameless" ? null : "t1" } }),
  "thread/codeMode/execute": () => ({}),
  "thread/read": () => ({ thread: { id: "t1", turns: [{ items: [{ type: "agentMessage", text }] }] } }),
};

function executed() {
  switch (scenario) {
    case "good":
      console.log("this is no message");
      process.stdout.write("\n[1, 2]\n");
      tell("configWarning", { summary: "nobody listens" });
      delta("other", 'FLOW_RESULT {"status":"failed"}\n');
      tell("turn/completed", { threadId: "other", turn: { status: "failed" } });
      delta("t1", "building\nhalf a ");
      delta("t1", "line\n");
      say({ id: "q1", method: "item/commandExecution/requestApproval", params: {} });
      console.error("a word on standard error");
      return turn("completed");
    case "deltas":
      text = "";
      delta("t1", 'FLOW_RESULT {"status":"cha');
      delta("t1", 'nged"}\n');
      return turn("completed");
    case "commands":
      delta("t1", "::error::injected\n##[error]injected\n");
      return turn("completed");
    case "failed":
      return turn("failed", { message: "the script broke", additionalDetails: "line 3" });
    case "dies":
      delta("t1", "half a word");
      console.error("panicked at the disco");
      return setTimeout(() => process.exit(101), 50);
    case "huge":
      return process.stdout.write("x".repeat(40 * 1024 * 1024) + "\n");
    case "hangs":
      return;
  }
}

let open = "";
process.stdin.on("data", (bytes) => {
  open += bytes;
  for (let end; (end = open.indexOf("\n")) >= 0; open = open.slice(end + 1)) {
    const message = JSON.parse(open.slice(0, end));
    note(message);
    if (message.id === undefined || message.method === undefined) continue;
    if (scenario === "refuses" && message.method === "thread/start") {
      say({ id: message.id, error: { code: -32000, message: "no\nroom" } });
    } else if (scenario === "old" && message.method === "thread/codeMode/execute") {
      say({ id: message.id, error: { code: -32601, message: "Method not found" } });
    } else {
      say({ id: message.id, result: answers[message.method]() });
      if (message.method === "thread/codeMode/execute") executed();
    }
  }
});
process.stdin.on("end", () => process.exit(0));
