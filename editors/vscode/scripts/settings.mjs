// Writes the server's settings into package.json, from the JSON schema that the server's own settings are declared by.
//
// usage: node scripts/settings.mjs [--check]
//
// The schema is editors/settings.schema.json, which a test of the server keeps current.
// --check writes nothing; the exit status is 1 if something would change.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const check = process.argv.includes('--check');

// What passes between this extension and the server is theirs to agree on.
const HIDDEN = ['lsp'];

// These name programs and files, and go by the command line: only the user may set them, never a workspace.
const USERS_OWN = ['engine', 'daemon', 'http'];

// They are looked at for each file; the others hold for the whole window, as there is one server for it.
const SWITCHES = ['completion.enabled', 'completion.disabled-languages'];

/** Follows `$ref`, and keeps what stands beside it (a field's own description and default). */
function resolve(root, node) {
  const whole = node.allOf?.length === 1 ? { ...node.allOf[0], ...node } : node;
  if (!whole.$ref) return whole;
  const name = whole.$ref.match(/^#\/\$defs\/(.+)$/)?.[1];
  const target = root.$defs?.[name];
  if (!target) throw new Error(`the schema refers to ${whole.$ref}, which it does not have`);
  return { ...resolve(root, target), ...whole, $ref: undefined };
}

/** One setting in VS Code's terms. */
function setting(root, path, node, order) {
  const types = [node.type].flat().filter((type) => type !== 'null');
  const variants = node.oneOf?.every((variant) => typeof variant.const === 'string') ? node.oneOf : undefined;
  const scope = USERS_OWN.includes(path[0]) ? 'machine' : SWITCHES.includes(path.join('.')) ? 'resource' : 'window';
  const out = { order, scope };
  if (variants) {
    Object.assign(out, { type: 'string', enum: variants.map((variant) => variant.const), markdownEnumDescriptions: variants.map((variant) => variant.description) });
  } else if (types.length === 1 && ['boolean', 'integer', 'number', 'string'].includes(types[0])) {
    // `null` is for "as the server thinks best".
    out.type = [node.type].flat().includes('null') ? [types[0], 'null'] : types[0];
    for (const key of ['enum', 'minimum', 'maximum']) if (node[key] !== undefined) out[key] = node[key];
  } else if (types[0] === 'array') {
    Object.assign(out, { type: 'array', items: { type: resolve(root, node.items).type }, uniqueItems: true });
  } else {
    throw new Error(`${path.join('.')}: no way to show this to a person: ${JSON.stringify(node)}`);
  }
  if (node.default !== undefined) out.default = node.default;
  if (out.default === undefined && [node.type].flat().includes('null')) out.default = null;
  if (!node.description) throw new Error(`${path.join('.')} has no description`);
  out.markdownDescription = node.description.replaceAll('\n', ' ');
  return out;
}

/** The settings under a node, by their whole names. A section may be in another. */
function settings(root, path, node, defaults) {
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const whole = resolve(root, field);
    const here = [...path, name];
    const initial = whole.default ?? defaults?.[name];
    return whole.properties ? settings(root, here, whole, initial) : [[here, { ...whole, default: initial }]];
  });
}

function sections(root) {
  const shown = Object.entries(root.properties).filter(([room]) => !HIDDEN.includes(room));
  return shown.flatMap(([room, reference], index) => {
    const node = resolve(root, reference);
    const all = settings(root, [room], node, { ...root.default?.[room], ...node.default });
    const properties = all.map(([path, field], order) => {
      const camel = path.map((name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()));
      return [`pilotlight.${camel.join('.')}`, setting(root, path, field, order)];
    });
    if (properties.length === 0) return [];
    return [{ title: room[0].toUpperCase() + room.slice(1), order: index + 1, properties: Object.fromEntries(properties) }];
  });
}

const schema = JSON.parse(readFileSync('../settings.schema.json', 'utf8'));
const before = readFileSync('package.json', 'utf8');
const manifest = JSON.parse(before);
const [own] = manifest.contributes.configuration;
manifest.contributes.configuration = [own, ...sections(schema)];
const count = manifest.contributes.configuration.flatMap((section) => Object.keys(section.properties)).length;
// Compared as data: how package.json is laid out is npm's and the author's.
const changed = JSON.stringify(JSON.parse(before)) !== JSON.stringify(manifest);
if (changed && check) {
  console.error('settings: package.json is not current; run `npm run settings`');
  process.exit(1);
}
if (changed) writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`settings: ${count}, ${changed ? 'written' : 'current'}`);
