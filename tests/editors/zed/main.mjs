// The extension's component, executed with stand-ins for what Zed gives it; and the wires of Zed's edit predictions, to a real server.
//
// usage: node main.mjs CACHE ARTEFACTS     (both are folders; ARTEFACTS/extension is the transpiled component)
import { Suite } from '../vscode/suite.mjs';
import { extension } from './component.mjs';
import { predictions } from './predictions.mjs';

const [cache, artefacts] = process.argv.slice(2);
const counts = [];
for (const part of [extension, predictions]) {
  const suite = new Suite(part.name);
  await part(suite, { cache, artefacts }).catch((error) => suite.test('runs', () => { throw error; }));
  counts.push(suite);
}
const sum = (name) => counts.reduce((all, suite) => all + suite[name], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 ? 0 : 1);
