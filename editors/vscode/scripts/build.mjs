// Bundles the extension into dist/extension.js, with the licences of what is bundled in dist/THIRD-PARTY.txt and, for the package, our own beside package.json.
//
// usage: node scripts/build.mjs [--production] [--watch]
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const production = process.argv.includes('--production');

const options = {
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  platform: 'node',
  // The node of the oldest VS Code that package.json's `engines` admits.
  target: 'node20',
  format: 'cjs',
  // It is there at run time.
  external: ['vscode'],
  minify: production,
  sourcemap: !production,
  metafile: true,
  logLevel: 'warning',
};

/** The package folders that the bundle takes from. */
function packages(metafile) {
  const found = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const inside = input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/);
    if (inside) found.add(inside[0]);
  }
  return [...found].sort();
}

function thirdParty(metafile) {
  const notices = packages(metafile).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} ${version} (${license}) brings no licence text: it cannot be bundled`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return `This extension bundles the packages below.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

if (process.argv.includes('--watch')) {
  await (await esbuild.context(options)).watch();
} else {
  const { metafile } = await esbuild.build(options);
  writeFileSync('dist/THIRD-PARTY.txt', thirdParty(metafile));
  if (production) {
    copyFileSync('../../LICENSE-MIT', 'LICENSE');
    copyFileSync('../../LICENSE-APACHE', 'LICENSE-APACHE');
  }
}
