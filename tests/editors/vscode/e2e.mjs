// The extension in a real workbench. usage: node e2e.mjs CACHE VSIX ARTEFACTS [scripted|folders|real ...]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folders } from './folders.mjs';
import { real } from './real.mjs';
import { scripted } from './scripted.mjs';

const [cache, vsix, artefacts, ...chosen] = process.argv.slice(2);
const suites = { scripted, folders, real };
let passed = 0;
let failed = 0;
for (const name of chosen.length > 0 ? chosen : Object.keys(suites)) {
  const folder = mkdtempSync(join(tmpdir(), `pilotlight-vscode-${name}-`));
  try {
    const here = dirname(fileURLToPath(import.meta.url));
    const suite = await suites[name]({ folder, cache: resolve(cache), vsix: resolve(vsix), artefacts: resolve(artefacts), here });
    passed += suite.passed;
    failed += suite.failed;
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error?.stack ?? error}`);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
