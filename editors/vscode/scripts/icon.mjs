// Draws media/icon.png from media/icon.svg with the Chromium that the tests use (the gallery takes no SVG).
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const media = join(dirname(fileURLToPath(import.meta.url)), '..', 'media');
const options = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--default-background-color=00000000', '--window-size=128,128'];
execFileSync(process.env.CHROMIUM ?? 'chromium', [...options, `--screenshot=${join(media, 'icon.png')}`, `file://${join(media, 'icon.svg')}`], { stdio: 'inherit' });
