// A real `pilotlight serve` on a port of its own, for tests that speak HTTP with it; and a port that is free.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

export async function serve(options = [], env = process.env) {
  const server = spawn(process.env.PILOTLIGHT, ['serve', '--listen', '127.0.0.1:0', ...options], { stdio: ['ignore', 'ignore', 'pipe'], env });
  let told = '';
  const base = await new Promise((resolve, reject) => {
    server.stderr.on('data', (data) => {
      told += data;
      const url = /at (http:\/\/[\d.:]+) for/.exec(told)?.[1];
      if (url) resolve(url);
    });
    server.on('exit', () => reject(new Error(`the server ended: ${told}`)));
  });
  return { base, stop: () => (server.exitCode === null ? new Promise((resolve) => server.once('exit', resolve).kill('SIGTERM')) : undefined) };
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
