// The host of a Code Mode script: gives it `text`, `exit` and `tools.exec_command`, and tells patch-moi what
// it does, one JSON object a line. Plain JavaScript for Bun and Node alike, started with `-e`.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const { spawn } = require("node:child_process");

const CHARACTERS_PER_TOKEN = 4;
const DEFAULT_TOKENS = 10000;
const MOST_TOKENS = 250000;
// How long a command's pipe may stay open after the command itself has ended.
const LINGER_MS = 2000;

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
let commands = 0;

const nap = new Int32Array(new SharedArrayBuffer(4));

function tell(message) {
  const bytes = Buffer.from(JSON.stringify(message) + "\n");
  let at = 0;
  while (at < bytes.length) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") process.exit(1);
      Atomics.wait(nap, 0, 0, 2);
    }
  }
}

function shown(value) {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function text(value) {
  tell({ kind: "text", text: shown(value) });
}

// Ends the script where it stands: nothing of it runs after this, not even a `finally`.
function exit() {
  tell({ kind: "end" });
  process.exit(0);
}

// Keeps the beginning and the end of what is pushed.
class Kept {
  constructor(limit) {
    this.half = Math.max(1, Math.floor(limit / 2));
    this.head = Buffer.alloc(0);
    this.tail = Buffer.alloc(0);
    this.length = 0;
  }

  push(chunk) {
    this.length += chunk.length;
    const room = this.half - this.head.length;
    if (room > 0) this.head = Buffer.concat([this.head, chunk.subarray(0, room)]);
    const rest = chunk.subarray(Math.max(0, room));
    if (rest.length > 0) this.tail = Buffer.concat([this.tail, rest]).subarray(-this.half);
  }

  get dropped() {
    return this.length - this.head.length - this.tail.length;
  }

  text() {
    if (this.dropped === 0) return Buffer.concat([this.head, this.tail]).toString("utf8");
    // A character that was cut in two is left out.
    const head = this.head.toString("utf8").replace(/\ufffd+$/, "");
    const tail = this.tail.toString("utf8").replace(/^\ufffd+/, "");
    return `${head}\n[.. ${this.dropped} bytes left out ..]\n${tail}`;
  }
}

function tokens(value) {
  const wanted = Number.isFinite(value) && value > 0 ? value : DEFAULT_TOKENS;
  return Math.min(wanted, MOST_TOKENS);
}

function execCommand(options) {
  const cmd = options?.cmd;
  if (typeof cmd !== "string") throw new TypeError("exec_command needs `cmd`, a text");
  const workdir = path.resolve(asked.dir, typeof options.workdir === "string" ? options.workdir : "");
  const kept = new Kept(tokens(options.max_output_tokens) * CHARACTERS_PER_TOKEN);
  const id = ++commands;
  const begun = Date.now();
  tell({ kind: "command", id, cmd, dir: workdir });
  return new Promise((resolve) => {
    const live = new TextDecoder();
    let done = false;
    const finish = (code, signal, trouble) => {
      if (done) return;
      done = true;
      if (trouble) kept.push(Buffer.from(trouble));
      const exitCode = signal ? 128 + (require("node:os").constants.signals[signal] ?? 0) : code;
      const seconds = (Date.now() - begun) / 1000;
      tell({ kind: "ended", id, code: exitCode, seconds, dropped: kept.dropped, trouble: trouble ?? null });
      resolve({
        wall_time_seconds: seconds,
        exit_code: exitCode,
        original_token_count: Math.ceil(kept.length / CHARACTERS_PER_TOKEN),
        output: kept.text(),
      });
    };
    // The outer shell makes one stream of both, in the order in which they are written; the command itself
    // is the inner one's, to the letter.
    const child = spawn("sh", ["-c", 'exec sh -c "$1" 2>&1', "sh", cmd], {
      cwd: workdir,
      env: asked.env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.on("error", (error) => finish(127, null, `cannot run a command in ${workdir}: ${error.message}`));
    child.stdout.on("data", (chunk) => {
      kept.push(chunk);
      tell({ kind: "output", id, text: live.decode(chunk, { stream: true }) });
    });
    child.on("close", (code, signal) => finish(code, signal));
    child.on("exit", (code, signal) => {
      setTimeout(() => {
        if (done) return;
        child.stdout.destroy();
        finish(code, signal);
      }, LINGER_MS).unref();
    });
  });
}

const tools = new Proxy(
  { exec_command: execCommand },
  {
    get(known, name) {
      if (name in known || typeof name === "symbol" || name === "then") return known[name];
      throw new Error(`the local Code Mode host has no tools.${name}; it has tools.exec_command`);
    },
  },
);

const say = (...values) => tell({ kind: "say", text: values.map(shown).join(" ") });
const quiet = { log: say, info: say, warn: say, error: say, debug: say };

// Where in the script an error arose: the prelude's lines do not count.
function threw(error) {
  const stack = typeof error?.stack === "string" ? error.stack : "";
  const name = asked.file.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const place = new RegExp(name + ":(\\d+)").exec(stack);
  const line = place ? Number(place[1]) - asked.preludeLines : 0;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : shown(error);
  tell({ kind: "threw", message: message.slice(0, 4000), line: line > 0 ? line : null });
  process.exit(0);
}

process.on("uncaughtException", threw);
process.on("unhandledRejection", threw);

// What Bun or Node offers beside the language is not what a Code Mode script finds. The inner function lets a
// script have names of its own that are the same.
const hidden = ["process", "require", "module", "exports", "Bun", "__filename", "__dirname"];
const names = ["text", "exit", "tools", "console", ...hidden].join(", ");
const body = `((${names}) => (async () => {"use strict";${asked.source}\n})())`;
try {
  const script = new vm.Script(body, { filename: asked.file });
  script.runInThisContext()(text, exit, tools, quiet).then(exit, threw);
} catch (error) {
  threw(error);
}
