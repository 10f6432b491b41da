// Writes the part of GitHub's OpenAPI description that is about the paths below, with everything that they
// refer to: node slice.mjs WHOLE.json PART.json. Prism needs two minutes for the whole and seconds for the part.
import { readFileSync, writeFileSync } from "node:fs";

const REPOSITORY = "/repos/{owner}/{repo}";
// A path that the client uses and that is not here is answered with 404, so the tests name it.
const PATHS = {
  "": ["get"],
  "/actions/permissions": ["get"],
  "/actions/permissions/workflow": ["get"],
  "/actions/workflows/{workflow_id}": ["get"],
  "/branches/{branch}": ["get"],
  "/issues": ["get", "post"],
  "/issues/{issue_number}": ["patch"],
  "/pulls": ["get", "post"],
  "/pulls/{pull_number}": ["patch"],
  "/rules/branches/{branch}": ["get"],
};

const [whole, part] = process.argv.slice(2);
const { paths, components, ...rest } = JSON.parse(readFileSync(whole, "utf8"));

const kept = {};
for (const [below, methods] of Object.entries(PATHS)) {
  const path = REPOSITORY + below;
  const { get, post, put, patch, delete: _, ...shared } = paths[path] ?? {};
  const all = { get, post, put, patch };
  for (const method of methods) {
    if (!all[method]) throw new Error(`the description has no ${method.toUpperCase()} ${path}`);
    shared[method] = all[method];
  }
  kept[path] = shared;
}

// `nullable` beside `oneOf` and without a type is nothing that Prism's validator can compile, and then Prism lets
// every body pass without a word. So it is said of the first alternative that has a type.
function spelledOut(schema) {
  const { nullable, ...rest } = schema;
  if (nullable !== true || rest.type) return schema;
  for (const kind of ["oneOf", "anyOf"]) {
    const typed = rest[kind]?.findIndex?.((alternative) => alternative.type) ?? -1;
    if (typed >= 0) {
      return { ...rest, [kind]: rest[kind].with(typed, { ...rest[kind][typed], nullable: true }) };
    }
  }
  return rest;
}

// Callbacks and links stay behind; nothing that is kept may point to them.
const needed = {};
const waiting = [kept];
while (waiting.length > 0) {
  const value = waiting.pop();
  for (const [key, inner] of Object.entries(value)) {
    if (key === "$ref" && typeof inner === "string") {
      const [root, kind, name, ...deeper] = inner.replace(/^#\//, "").split("/");
      const found = components[kind]?.[name];
      if (root !== "components" || deeper.length > 0 || !found) throw new Error(`cannot follow ${inner}`);
      if (needed[kind]?.[name]) continue;
      (needed[kind] ??= {})[name] = spelledOut(found);
      waiting.push(needed[kind][name]);
    } else if (inner !== null && typeof inner === "object") {
      value[key] = Array.isArray(inner) ? inner : spelledOut(inner);
      waiting.push(value[key]);
    }
  }
}

// Whom to sign in as is nothing that a mock can judge.
const { webhooks, "x-webhooks": _, ...head } = rest;
writeFileSync(part, JSON.stringify({ ...head, paths: kept, components: needed }));
const count = Object.values(needed).reduce((sum, named) => sum + Object.keys(named).length, 0);
console.log(`${Object.keys(kept).length} paths, ${count} components`);
